// Puts lines into the raw, CRI or docker envelope the way runtimes do, and the way they do on a bad
// day: parts, other writers between them, records that are none, a part that never ends.

import type { Dice } from './dice.ts'
import { bytesOf } from './nasty-values.ts'

const RUNTIME_START_MS = Date.UTC(2026, 9, 26, 7, 33, 20)

/** One physical line, without its end. */
type Wrap = (content: string, origin: string, isLast: boolean, time: string, dice: Dice) => string

const WRAPS: Readonly<Record<'raw' | 'cri' | 'docker', Wrap>> = {
  raw: (content) => content,
  cri: (content, origin, isLast, time, dice) => {
    const tags = dice.chance(0.05) ? dice.pick([':x', ':x:y', ':']) : ''
    return `${time} ${origin} ${isLast ? 'F' : 'P'}${tags} ${content}`
  },
  docker: (content, origin, isLast, time) => {
    // Docker replaces what is not UTF-8 before it writes.
    const log = Buffer.from(content, 'latin1').toString() + (isLast ? '\n' : '')
    return bytesOf(JSON.stringify({ log, stream: origin, time }))
  },
}

/** The runtime's own clock; now and then one that cannot be read. */
function runtimeTime(timeMs: number, oddShare: number, dice: Dice): string {
  const text = new Date(timeMs).toISOString().slice(0, -1)
  const nanoseconds = `${text}${dice.below(1_000_000)}Z`
  const odd = [`${text}+00:00`, `${text}Z`, '2026-02-30T00:00:00Z', '1999-01-01T00:00:00Z', 'soon']
  return dice.chance(oddShare) ? dice.pick(odd) : nanoseconds
}

const NO_RECORDS = {
  raw: ['[2026-11-02][info] x', 'x', '   '],
  cri: [
    ...['2026-11-02T12:00:00Z stdout F', '2026-11-02T12:00:00Z stdout  F {}', 'x', '   ', '{}'],
    ...['2026-11-02T12:00:00Z stdin F {}', '2026-11-02T12:00:00Z stdout X {}', ' '],
    ...['2026-11-02T12:00:00Z stdout FP {}', '2026-11-02T12:00:00Z', ' 2026 stdout F {}'],
  ],
  docker: [
    ...['{"log":1,"stream":"stdout","time":"2026-11-02T12:00:00Z"}', '{"log":"{}\\n"}', 'x', '{}'],
    ...['{"log":"{}\\n","stream":"stdin","time":""}', '[]', '{"log":"\xff\\n","stream":"stdout"}'],
    '{"log":"{}\\n","stream":"stdout","time":"2026-11-02T12:00:00Z"',
  ],
}

/** The bytes of a log file with these lines in it. */
export function wrapLines(
  lines: readonly string[],
  envelope: 'raw' | 'cri' | 'docker',
  dice: Dice,
): Buffer {
  let timeMs = RUNTIME_START_MS
  const physical: string[] = []

  function put(content: string, origin: string, isLast: boolean): void {
    timeMs += dice.below(20)
    // The first time can be read: it shows the envelope.
    const time = runtimeTime(timeMs, physical.length === 0 ? 0 : 0.03, dice)
    physical.push(WRAPS[envelope](content, origin, isLast, time, dice))
  }

  function putOther(): void {
    const text = dice.pick(['[info] x', '', '{"bytes_sent":1}', ' '])
    const kind = dice.below(envelope === 'raw' ? 2 : 4)
    if (kind === 0) {
      physical.push('')
    } else if (kind === 1) {
      physical.push(dice.pick(NO_RECORDS[envelope]))
    } else {
      put(text, 'stderr', kind === 2)
    }
  }

  function putLine(line: string): void {
    let rest = line
    while (envelope !== 'raw' && rest.length > 1 && dice.chance(0.1)) {
      const at = dice.below(rest.length)
      put(rest.slice(0, at), 'stdout', false)
      rest = rest.slice(at)
      if (dice.chance(0.3)) {
        putOther()
      }
    }
    put(rest, 'stdout', true)
  }

  for (const line of lines) {
    putLine(line)
    if (dice.chance(0.04)) {
      putOther()
    }
  }
  for (const origin of envelope === 'raw' ? [] : ['stdout', 'stderr']) {
    if (dice.chance(0.5)) {
      put(dice.pick(['{"bytes_sent":', '{}', 'x', ' ', '']), origin, false)
    }
  }
  const ended = physical.map((line) => line + (dice.chance(0.03) ? '\r\n' : '\n')).join('')
  const text = dice.chance(0.2) ? ended.slice(0, -1) : ended
  return Buffer.from((dice.chance(0.1) ? '\xef\xbb\xbf' : '') + text, 'latin1')
}
