// All pieces of a stream that the ledger has, as columns of numbers: a ledger may hold a million of
// them, and which one follows which is asked for each.

import type { LedgerHead } from '../durable/ledger.ts'
import type { PieceName, Position } from '../durable/records.ts'
import type { Course } from './course.ts'

const COLUMNS = 8
const ROWS_AT_FIRST = 64

export interface IndexedPiece extends PieceName {
  readonly from: Position
  readonly to: Position
}

export class PieceIndex {
  readonly #stream: string
  #columns = new Float64Array(ROWS_AT_FIRST * COLUMNS)
  /** Rows in the order of their places. */
  #order: Uint32Array | undefined
  count = 0

  constructor(stream: string) {
    this.#stream = stream
  }

  /** A replayed piece has no place, and is left out. */
  add({ windowStartMs, windowMs, epoch, part, from, to }: LedgerHead): void {
    if (from === null || to === null) return
    if ((this.count + 1) * COLUMNS > this.#columns.length) this.#grow()
    const { generation, offset } = from
    const values = [windowStartMs, windowMs, epoch, Number(part), generation, offset]
    this.#columns.set([...values, to.generation, to.offset], this.count * COLUMNS)
    this.count += 1
    this.#order = undefined
  }

  /** Puts the pieces in the order of their places. */
  sort({ compare }: Course): void {
    const order = Uint32Array.from({ length: this.count }, (_, row) => row)
    this.#order = order.sort((a, b) => {
      const [one, other] = [this.#read(a), this.#read(b)]
      return compare(one.from, other.from) || compare(one.to, other.to)
    })
  }

  /** The pieces in order, after `sort`. */
  at(place: number): IndexedPiece | undefined {
    const row = this.#order?.[place]
    return row === undefined ? undefined : this.#read(row)
  }

  #read(row: number): IndexedPiece {
    const start = row * COLUMNS
    const value = (column: number): number => this.#columns[start + column] ?? 0
    return {
      stream: this.#stream,
      windowStartMs: value(0),
      windowMs: value(1),
      epoch: value(2),
      part: String(value(3)),
      from: { generation: value(4), offset: value(5) },
      to: { generation: value(6), offset: value(7) },
    }
  }

  #grow(): void {
    const larger = new Float64Array(this.#columns.length * 2)
    larger.set(this.#columns)
    this.#columns = larger
  }
}
