// Who is measured: programs that read a log and print the object of `scan --json`.

import { fileURLToPath } from 'node:url'
import { type Corpus, METER_FAST } from './corpus.ts'

export interface Contender {
  readonly name: string
  /** The arguments of `node` that read `corpus`. */
  readonly command: (corpus: Corpus) => readonly string[]
}

const NODE_JSON = fileURLToPath(new URL('./peers/node-json.js', import.meta.url))

/** The first one is what the others are compared with. */
export const CONTENDERS: readonly [Contender, ...Contender[]] = [
  {
    name: 'meter-fast',
    command: ({ path, format }) => [METER_FAST, 'scan', '--json', '--format', format, path],
  },
  {
    name: 'node-json',
    command: ({ path, format }) => [NODE_JSON, format, path],
  },
]
