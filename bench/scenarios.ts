// What logs look like: the formats that gateways write, and the lines that are hard for a parser.
// The hard ones are made of datum lines, one by one, so their truth is the same.

import type { CorpusSettings } from './corpus.ts'

export interface Scenario extends Omit<CorpusSettings, 'directory' | 'lines'> {
  readonly name: string
  /** What is said of it in a table. */
  readonly about: string
}

type LineChange = (line: string) => string

const ROUTES = 2000
const ROUTES_MANY = 1_000_000
const LONG_PATH = 'p'.repeat(4096)
const BILLED = /^(project_name|route_name|bytes_sent|bytes_received|duration|start_time)$/

const datum = { format: 'datum', routes: ROUTES } as const

export const SCENARIOS: readonly Scenario[] = [
  { ...datum, name: 'datum', about: 'Datum gateways, 11 keys' },
  { ...datum, name: 'envoy-gateway', format: 'envoy-gateway', about: 'Envoy Gateway, 25 keys' },
  { ...datum, name: 'cri', envelope: 'cri', about: 'datum, as the kubelet keeps it' },
  { ...datum, name: 'many-keys', routes: ROUTES_MANY, about: 'datum, up to 1,000,000 routes' },
  { ...datum, name: 'escaped', change: inPath('/\\"q\\"'), about: 'an escape in every line' },
  { ...datum, name: 'non-ascii', change: inPath('/\u00fc'), about: 'non-ASCII in every line' },
  {
    ...datum,
    name: 'random-order',
    change: shuffled(),
    about: 'keys in random order, before 1.33',
  },
  { ...datum, name: 'short-lines', change: onlyBilled, about: 'nothing but the billed keys' },
  { ...datum, name: 'long-lines', change: inPath(`/${LONG_PATH}`), about: 'paths of 4 KiB' },
]

function inPath(prefix: string): LineChange {
  return (line) => line.replace('"path":"', `"path":"${prefix}`)
}

function onlyBilled(line: string): string {
  return rebuilt(line, (members) => members.filter(([key]) => BILLED.test(key)))
}

/** Another order for every line, the same ones in every run. */
function shuffled(): LineChange {
  let state = 1
  const upTo = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  return (line) =>
    rebuilt(line, (members) => {
      for (let last = members.length - 1; last > 0; last -= 1) {
        const other = upTo(last + 1)
        ;[members[last], members[other]] = [members[other] as Member, members[last] as Member]
      }
      return members
    })
}

type Member = [key: string, value: unknown]

function rebuilt(line: string, change: (members: Member[]) => Member[]): string {
  return JSON.stringify(Object.fromEntries(change(Object.entries(JSON.parse(line)))))
}
