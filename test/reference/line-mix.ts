// Seeded nasty logs for property tests: what Envoy writes, with every rule of DESIGN 4 and 5
// tried at its edges. The same seed, count and options give the same bytes on every machine.

import { Dice } from './dice.ts'
import { wrapLines } from './line-envelope.ts'
import { LogWriter } from './log-writer.ts'
import { addFault, type Field } from './nasty-record.ts'

export interface LineMixOptions {
  /** Default `raw`. The first physical line shows it, so that `auto` finds it. */
  readonly envelope?: 'raw' | 'cri' | 'docker'
  /** Share of lines with a fault, 0 to 1. Default 0.4; 0 gives lines as Envoy writes them. */
  readonly faultShare?: number
  /** Amounts are about 2^53 in few windows: past 1,024 lines sums overflow. Default 1 in 16. */
  readonly isHuge?: boolean
}

/** Log text without a record in it, or with something that only looks like one. */
const JUNK = [
  ...['', ' ', '\t', '[2026-11-02 12:00:00.000][1][info][main] starting', '[]', '[{}]', '{', '}'],
  ...['{}', '{ }', ' {} ', '{}{}', '{"a":1}{"a":2}', '{},', ',{}', '{}]', '[{}', '{{}}', '{"a"}'],
  ...['null', '5', '"text"', '"{}"', '{"}', '{"a":1', '"a":1}', 'x}', '{x', '\xff{}', '{}\xff'],
  ...['\xef\xbb\xbf{}', '\x00', '{}\x00', '\v{}', '\f{}', '\xa0{}', '{"a":1,}', '{,"a":1}', 'inf'],
  ...['{"bytes_sent":1}', '{"project_name":"p-a"}', '{"project_name":"p-a","bytes_sent":inf}'],
]

/** Serialises as Envoy does, or shuffled, or with white space where JSON allows it. */
function serialise(fields: readonly Field[], dice: Dice): string {
  const sorted = fields.toSorted(([one], [other]) => (one < other ? -1 : 1))
  const ordered = dice.chance(0.2) ? dice.shuffled(fields) : sorted
  const isSpaced = dice.chance(0.08)
  const spaced = (text: string): string => {
    const [before, after] = [0, 1].map(() => dice.pick(['', '', ' ', '\t', '\r', '   ']))
    return isSpaced ? `${before}${text}${after}` : text
  }
  const members = ordered.map(([key, value]) => `${spaced(key)}:${spaced(value)}`)
  return `{${members.join(',')}}`
}

type Damage = (line: string, dice: Dice) => string

/** What happens to text between Envoy and us. */
const DAMAGES: readonly Damage[] = [
  (line, dice) => line.slice(0, dice.below(line.length)),
  (line, dice) => line.slice(dice.below(line.length)),
  (line, dice) => line.slice(0, dice.below(line.length)) + line,
  (line) => line + line,
  (line, dice) => line + dice.pick([' ', '\t', ' \r ', ',', ']', '}', 'x', '\xff', '\v', '\x00']),
  (line, dice) => dice.pick([' ', '\t ', '[', '{', 'x', ',', '\xef\xbb\xbf', '\xff', '\f']) + line,
  (line, dice) => {
    const at = dice.below(line.length)
    return line.slice(0, at) + String.fromCharCode(byteInLine(dice)) + line.slice(at + 1)
  },
  (line, dice) => {
    const at = dice.below(line.length)
    return (
      line.slice(0, at) + dice.pick(['"', '\\', '\xff', '\x01', '{', ',', '\xc3']) + line.slice(at)
    )
  },
]

/** Any byte but LF, which would make two lines of one. */
function byteInLine(dice: Dice): number {
  const byte = dice.below(255)
  return byte === 10 ? 255 : byte
}

function nextLine(writer: LogWriter, faultShare: number, dice: Dice): string {
  const fields = writer.next()
  if (!dice.chance(faultShare)) {
    return serialise(fields, dice)
  }
  if (dice.chance(0.08)) {
    return dice.pick(JUNK)
  }
  for (let faults = dice.pick([0, 1, 1, 1, 2, 3]); faults > 0; faults -= 1) {
    addFault(fields, dice)
  }
  const line = serialise(fields, dice)
  return dice.chance(0.15) ? dice.pick(DAMAGES)(line, dice) : line
}

/** A log file of about `count` lines. */
export function lineMix(seed: number, count: number, options: LineMixOptions = {}): Buffer {
  const dice = new Dice(seed)
  const { envelope = 'raw', faultShare = 0.4, isHuge = dice.chance(1 / 16) } = options
  const writer = new LogWriter(dice, isHuge)
  const first = serialise(writer.next(), dice)
  const rest = Array.from({ length: Math.max(0, count - 1) }, () =>
    nextLine(writer, faultShare, dice),
  )
  return wrapLines(count > 0 ? [first, ...rest] : [], envelope, dice)
}
