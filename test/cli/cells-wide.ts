// How wide a line stands in a terminal, by an own rule: what the tests print is made of ASCII,
// Latin letters with combining marks, and ideographs, kana and emoji, which take two cells.

/** Without colours, which take none. */
export function cellsWide(line: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  const shown = line.replace(/\u001B\[\d+m/g, '')
  const wide = /[\u3000-\u30FF\u4E00-\u9FFF]|\p{Emoji_Presentation}/gu
  return [...shown.replace(/\p{Mark}/gu, '').replace(wide, '##')].length
}

/** The lines of a text that are wider than a terminal of so many columns. */
export function tooWide(text: string, columns: number): string[] {
  return text.split('\n').filter((line) => cellsWide(line) > columns)
}
