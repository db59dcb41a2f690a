// Lines for each outcome of DESIGN 4.7 that is decided by their bytes alone: envelope and JSON.

import { cri, file, line, lineWith, type RuleOptions } from './metering.ts'

/** Lines of one outcome. */
export interface OutcomeCase {
  readonly outcome: string
  readonly when: string
  /** Lines, or files as bytes. */
  readonly input: readonly (string | Buffer)[]
  readonly options?: RuleOptions
  /** Lines with this outcome; one when left out. */
  readonly count?: number
  /** Outcomes of the other lines. */
  readonly others?: Readonly<Record<string, number>>
}

const GOOD = { metered: 1 }

export const ENVELOPE: readonly OutcomeCase[] = [
  {
    outcome: 'ignored.stderr',
    when: 'a CRI record of stderr, whatever is in it',
    input: [cri('[info] x', 'stderr F'), cri(line(), 'stderr F'), cri(line())],
    count: 2,
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty line, and one of white space only',
    input: ['', line(), ' \t ', ''],
    count: 3,
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty physical line in CRI, between two parts too',
    input: [cri(line().slice(0, 20), 'stdout P'), '', cri(line().slice(20))],
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty CRI record',
    input: [cri(line()), cri(''), cri('  ')],
    count: 2,
    others: GOOD,
  },
  {
    outcome: 'quarantined.bad_envelope',
    when: 'no CRI record in a CRI stream',
    input: [
      cri(line()),
      line(),
      '2026-11-02T12:00:00Z stdout F',
      cri(line(), 'stdin F'),
      cri(line(), 'stdout X'),
      cri(line(), 'stdout FP'),
      cri(line(), 'STDOUT F'),
    ],
    count: 6,
    others: GOOD,
  },
  {
    outcome: 'quarantined.cut',
    when: 'a P part without its F at the end of the stream',
    input: [cri(line()), cri('{"bytes_sent":', 'stdout P'), cri('[info]', 'stderr F')],
    others: { ...GOOD, 'ignored.stderr': 1 },
  },
  {
    outcome: 'quarantined.cut',
    when: 'not at the end of a file: parts are joined across files',
    input: [
      file(cri(line()), cri(line().slice(0, 30), 'stdout P')),
      file(cri(line().slice(30)), cri('{', 'stdout P')),
    ],
    others: { metered: 2 },
  },
  {
    outcome: 'quarantined.too_long',
    when: 'more than line_bytes_max bytes; exactly as many are read',
    input: [
      lineWith(`"x":"${'y'.repeat(1024 - line().length - 7)}"`),
      line({ x: 'y'.repeat(2000) }),
    ],
    options: { lineBytesMax: 1024 },
    others: GOOD,
  },
  {
    outcome: 'quarantined.too_long',
    when: 'parts that are too long only together',
    input: [...['{"x":"', 'a'.repeat(600)].map((p) => cri(p, 'stdout P')), cri('b'.repeat(600))],
    options: { lineBytesMax: 1024 },
  },
]

export const TEXT: readonly OutcomeCase[] = [
  {
    outcome: 'ignored.not_json',
    when: 'neither begins with { nor ends with }',
    input: ['[2026-11-02][info] x', 'x', '"x"', '[]', '0', line()],
    count: 5,
    others: GOOD,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'an object that is cut at either end or run together',
    input: [line().slice(0, -1), line().slice(1), line() + line(), `${line()} {`, '{', '}'],
    count: 6,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'no RFC 8259 object, though it looks like one',
    input: [
      lineWith(''),
      lineWith('"x":01'),
      lineWith('"x":+1'),
      lineWith('"x":.5'),
      lineWith('"x":1.'),
      lineWith('"x":1e'),
      lineWith('"x":True'),
      lineWith('"x":nul'),
      lineWith('"x":NaN'),
      lineWith('"x":Infinity'),
      lineWith('"x":+inf'),
      lineWith("'x':1"),
      lineWith('"x" 1'),
      lineWith('"x":[1,]'),
      lineWith('"x":[1}'),
      lineWith('"x":"\t"'),
      lineWith('"x":"\u0000"'),
      lineWith('"x":1 /* */'),
      lineWith('"x":\u00ff'),
      lineWith(`"x":${'['.repeat(64)}${']'.repeat(64)}`),
    ],
    count: 20,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'mending changed a key at any depth, or a byte of a mapped value',
    input: [
      lineWith('"\u00ff":1'),
      lineWith('"x":[{"\\x":1}]'),
      line({ route_name: undefined }).replace('p-a', 'p-a\u00ff'),
      lineWith('"stream_id":"\\ud800"'),
      lineWith('"bytes_\\xsent":1'),
      line({ duration: undefined }).replace(/}$/, ',"duration":inf}'),
      line({ bytes_sent: undefined }).replace(/}$/, ',"bytes_sent":[nan]}'),
    ],
    count: 7,
  },
  {
    outcome: 'lenient',
    when: 'mending changed only what nothing is read from: metered and counted twice',
    input: [
      lineWith('"x":"\u00ff"'),
      lineWith('"x":"\\x41\\"'.replace('\\"', '"')),
      lineWith('"x":["\\ud800"]'),
      lineWith('"x":{"y":[inf, -inf, nan,-nan]}'),
      lineWith('"x":"\u00ed\u00a0\u0080"'),
      line(),
    ],
    count: 5,
    others: { metered: 6 },
  },
  {
    outcome: 'quarantined.duplicate_key',
    when: 'a mapped key occurs twice, also with another escape or the same value',
    input: [
      lineWith('"bytes_sent":10'),
      lineWith('"bytes\\u005fsent":11'),
      lineWith('"route_name":null'),
      lineWith('"stream_id":1,"stream_id":1'),
    ],
    count: 4,
  },
]
