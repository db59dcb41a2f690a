// Text measured in cells of a terminal: an ideograph takes two, a combining mark none.

import cellsOf from 'string-width'

export { cellsOf }

const GRAPHEMES = new Intl.Segmenter()
const ELLIPSIS = '…'
/** Between words, but not between a figure and its unit. */
const BREAK = /(?<!\d) | (?!(?:[kMGTPE]?B|s|min|h|d|%)(?![a-z]))/

/** The text in at most `cells`: both ends are kept, and an ellipsis stands for the middle. */
export function cutMiddle(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text
  if (cells < 1) return ''
  const room = cells - 1
  const graphemes = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment)
  const end = taken(graphemes.toReversed(), Math.floor(room / 2)).reverse()
  const begin = taken(graphemes, room - cellsOf(end.join('')))
  return `${begin.join('')}${ELLIPSIS}${end.join('')}`
}

/** As many of the first graphemes as fit. */
function taken(graphemes: readonly string[], cells: number): string[] {
  let room = cells
  const fitting = graphemes.findIndex((grapheme) => {
    room -= cellsOf(grapheme)
    return room < 0
  })
  return graphemes.slice(0, fitting < 0 ? graphemes.length : fitting)
}

/**
 * The words of a text in lines of at most `cells`; lines after the first begin with `hang` blanks.
 * A word that is longer than a line, such as a path, goes on in the next one.
 */
export function wrapped(text: string, cells: number, hang = 0): string[] {
  const lines = ['']
  const room = (): number => cells - (lines.length > 1 ? hang : 0)
  const add = (word: string): void => {
    const line = lines.at(-1) ?? ''
    const longer = line === '' ? word : `${line} ${word}`
    if (cellsOf(longer) <= room()) {
      lines[lines.length - 1] = longer
      return
    }
    if (line !== '') lines.push('')
    for (const piece of pieces(word, room(), cells - hang)) {
      if (lines.at(-1) !== '') lines.push('')
      lines[lines.length - 1] = piece
    }
  }
  for (const word of text.split(BREAK)) add(word)
  return lines.map((line, index) => (index === 0 ? line : `${' '.repeat(hang)}${line}`))
}

/** A word in pieces: the first one of at most `first` cells, the others of at most `others`. */
function pieces(word: string, first: number, others: number): string[] {
  if (cellsOf(word) <= first) return [word]
  const graphemes = Array.from(GRAPHEMES.segment(word), ({ segment }) => segment)
  const found: string[] = []
  while (graphemes.length > 0) {
    const piece = taken(graphemes, found.length === 0 ? first : others)
    // Where not even one fits, one stands there all the same.
    found.push(graphemes.splice(0, Math.max(1, piece.length)).join(''))
  }
  return found
}
