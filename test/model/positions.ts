// How far the agent says it has read, commit by commit, against the truth about the files: which
// content each of its generations is, that positions only move on (I3), that no byte is claimed
// twice, and what it says it has lost.

import { createHash } from 'node:crypto'
import { unpackRecord } from '../../src/durable/codec.ts'
import type { GapRecord } from '../../src/tail/generation-list.ts'
import type { GenerationRecord } from '../../src/tail/identity.ts'
import type { Content } from './content.ts'
import type { Life } from './life.ts'
import type { StreamLog } from './stream-log.ts'
import { check } from './violation.ts'

/** One generation as the agent counts them. */
interface Claim {
  readonly generation: number
  content: Content | undefined
  offset: number
  finished: boolean
  /** No commit names it any more. */
  isGone: boolean
}

/** Bytes of one content that the agent has read, as one life committed it. */
export interface Stretch {
  readonly content: Content
  readonly from: number
  readonly to: number
  readonly life: Life
}

/** What one stream's commits have claimed so far. */
export class StreamClaims {
  readonly log: StreamLog
  /** In the order of reading. */
  readonly stretches: Stretch[] = []
  readonly gaps: GapRecord[] = []
  readonly #claims = new Map<number, Claim>()

  constructor(log: StreamLog) {
    this.log = log
  }

  /** A commit holds these records of the stream, and these gaps. */
  committed(records: readonly GenerationRecord[], gaps: readonly GapRecord[], life: Life): void {
    this.gaps.push(...gaps)
    const named = new Set(records.map(({ generation }) => generation))
    for (const claim of this.#claims.values()) {
      if (!named.has(claim.generation) && !claim.isGone) this.#letGo(claim, life)
    }
    for (const record of records) this.#advance(record, life)
  }

  /** The stream has ended: nothing names its generations any more. */
  ended(life: Life): void {
    for (const claim of this.#claims.values()) if (!claim.isGone) this.#letGo(claim, life)
  }

  /** A generation that is named no more was read to its end, or to where it was lost. */
  #letGo(claim: Claim, life: Life): void {
    claim.isGone = true
    const { content, generation } = claim
    if (content === undefined) return
    const end = claim.finished ? claim.offset : content.bytes.length
    const to = this.#firstGap(generation)?.offset ?? end
    if (to > claim.offset) this.stretches.push({ content, from: claim.offset, to, life })
    claim.offset = to
  }

  /** How far the content was read; undefined when no commit has named it. */
  endOf(content: Content): number | undefined {
    const claim = [...this.#claims.values()].find((one) => one.content === content)
    return claim && (this.#firstGap(claim.generation)?.offset ?? claim.offset)
  }

  /** The content of a generation, as the agent counts them. */
  contentOf(generation: number): Content | undefined {
    return this.#claims.get(generation)?.content
  }

  gapsOf(content: Content): GapRecord[] {
    const claim = [...this.#claims.values()].find((one) => one.content === content)
    return this.gaps.filter(({ generation }) => generation === claim?.generation)
  }

  #firstGap(generation: number): GapRecord | undefined {
    return this.gaps.find((gap) => gap.generation === generation)
  }

  #advance(record: GenerationRecord, life: Life): void {
    const { generation, offset } = record
    const known = this.#claims.get(generation)
    const fresh = { generation, content: undefined, offset: 0, finished: false, isGone: false }
    const claim: Claim = known ?? fresh
    this.#claims.set(generation, claim)
    if (claim.content === undefined) claim.content = this.#identify(record)
    const name = `${record.name} of ${this.log.place.stream}`
    check('I3', offset >= claim.offset, () => `${name} goes back from ${claim.offset} to ${offset}`)
    check('I3', claim.content !== undefined || offset === 0, () => `${name} is read as nothing`)
    const { content } = claim
    // Behind its first gap nothing of it is read.
    const to = Math.min(this.#firstGap(generation)?.offset ?? offset, offset)
    if (content !== undefined && to > claim.offset) {
      check('I3', to <= content.bytes.length, () => `${name} is read behind its end, to ${to}`)
      this.stretches.push({ content, from: claim.offset, to, life })
    }
    claim.offset = offset
    claim.finished = record.finished
  }

  /** The content that a record is about; undefined while nothing of it was read. */
  #identify(record: GenerationRecord): Content | undefined {
    const { generation, inode, offset, proof, proofBytes, name } = record
    if (offset === 0 && proofBytes === 0) return undefined
    const others = [...this.#claims.values()].filter((one) => one.generation !== generation)
    const isFree = (content: Content): boolean => others.every((one) => one.content !== content)
    const isProven = ({ bytes }: Content): boolean =>
      bytes.length >= Math.max(proofBytes, offset) &&
      (proofBytes === 0 || sha256(bytes.subarray(0, proofBytes)) === proof)
    const held = this.log.contentsOf(inode).filter(isProven)
    const proven = [...held, ...this.log.contents.filter(isProven)]
    check('I3', proven.length > 0, () => `${name} is proven by bytes that nobody wrote`)
    const found = held.findLast(isFree) ?? proven.find(isFree)
    check('I3', found !== undefined, () => `${name} is read as two generations`)
    return found
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
