// What the commits of one stream say, against the truth about its files: positions only move on, no
// byte is folded twice (I3), and what is said to be lost. What was folded is seen at the engines
// (fold-trace.ts); which content a generation of the agent is, only where its records prove it.

import { createHash } from 'node:crypto'
import { unpackRecord } from '../../src/durable/codec.ts'
import type { GapRecord } from '../../src/tail/generation-list.ts'
import type { GenerationRecord } from '../../src/tail/identity.ts'
import type { Content } from './content.ts'
import type { Stretch } from './fold-trace.ts'
import type { Life } from './life.ts'
import type { StreamLog } from './stream-log.ts'
import { check } from './violation.ts'

/** Bytes that were folded, and the life that committed them. */
export interface Folded extends Stretch {
  readonly life: Life
}

export class StreamClaims {
  readonly log: StreamLog
  /** In the order of reading. */
  readonly folded: Folded[] = []
  readonly gaps: GapRecord[] = []
  readonly #offsets = new Map<number, number>()
  readonly #contents = new Map<number, Content>()

  constructor(log: StreamLog) {
    this.log = log
  }

  /** A commit holds these records of the stream, and these gaps. */
  committed(records: readonly GenerationRecord[], gaps: readonly GapRecord[], life: Life): void {
    this.gaps.push(...gaps)
    for (const record of records) this.#check(record)
    for (const trace of life.traces) {
      if (trace.log !== this.log) continue
      for (const stretch of trace.committed()) this.#fold({ ...stretch, life })
    }
  }

  /** How far the content was folded from its beginning without a hole. */
  endOf(content: Content): number {
    const own = this.folded.filter((one) => one.content === content)
    return own.reduce((end, { from, to }) => (from <= end ? Math.max(end, to) : end), 0)
  }

  /** The content of a generation, as the agent counts them, where it is proven. */
  contentOf(generation: number): Content | undefined {
    return this.#contents.get(generation)
  }

  #check(record: GenerationRecord): void {
    const { generation, offset, name } = record
    const before = this.#offsets.get(generation) ?? 0
    check('I3', offset >= before, () => `${name} goes back from ${before} to ${offset}`)
    this.#offsets.set(generation, offset)
    const content = this.#contentOf(record)
    if (content !== undefined) this.#contents.set(generation, content)
  }

  #fold(one: Folded): void {
    const { content, from, to } = one
    const twice = this.folded.find((other) => {
      return other.content === content && other.from < to && from < other.to
    })
    const name = `${this.log.place.stream}: bytes ${from} to ${to} of generation ${content.number}`
    check('I3', twice === undefined, () => `${name} are folded twice`)
    this.folded.push(one)
  }

  #contentOf({ inode, proof, proofBytes }: GenerationRecord): Content | undefined {
    if (proofBytes === 0) return undefined
    const isProven = ({ bytes }: Content): boolean =>
      bytes.length >= proofBytes && sha256(bytes.subarray(0, proofBytes)) === proof
    const { log } = this
    return log.contentsOf(inode).findLast(isProven) ?? log.contents.findLast(isProven)
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The head of a packed stream record, without the engine's bytes. */
export function streamHead(packed: Uint8Array): {
  readonly stream: string
  readonly generations: readonly GenerationRecord[]
} {
  return unpackRecord<{ stream: string; generations: GenerationRecord[] }>(packed).head
}
