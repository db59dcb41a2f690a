// The events of one segment before they are written: for each, the hash of its id and where its
// amount is, in the order of ids once they are sorted.
//
//   high, low   the 80 bits of an id's hash, 40 in each: a double holds them exactly
//   source      which amount: row of the segment times meters, plus meter
//
// Columns of numbers and not objects, because a segment may make millions of events: the heap has
// nothing to collect, and a collection would hold the event loop. Keys that render equal have equal
// ids, so sorting brings them together; nothing else has to look for them.
//
// The sort is one pass into 1,024 buckets by the first 10 bits, which a hash fills evenly, then
// each bucket by itself; both yield often.

/** Drafts between two yields. */
const STEP_DRAFTS = 16_384
const BUCKETS = 1024
/** 40 bits less the 10 that choose the bucket. */
const BUCKET_WIDTH = 2 ** 30

/** One event: the hash of its id, and its places [from, end) in the order of ids. */
export interface DraftRun {
  readonly high: number
  readonly low: number
  readonly from: number
  readonly end: number
}

export class DraftTable {
  readonly #high: Float64Array
  readonly #low: Float64Array
  readonly #source: Uint32Array
  /** Numbers of drafts, in order of ids once sorted. */
  #order = new Uint32Array(0)
  #size = 0

  constructor(draftsMax: number) {
    this.#high = new Float64Array(draftsMax)
    this.#low = new Float64Array(draftsMax)
    this.#source = new Uint32Array(draftsMax)
  }

  /** Adds the draft of an event; `hash` has at least 10 bytes. */
  add(hash: Buffer, source: number): void {
    const at = this.#size
    this.#high[at] = hash.readUIntBE(0, 5)
    this.#low[at] = hash.readUIntBE(5, 5)
    this.#source[at] = source
    this.#size = at + 1
  }

  /** Sorts by id; yields after each few ms of work. */
  *sort(): Generator<void> {
    const ends = yield* this.#fillBuckets()
    const compare = (a: number, b: number): number =>
      at(this.#high, a) - at(this.#high, b) ||
      at(this.#low, a) - at(this.#low, b) ||
      // Equal ids: the order of rows, so that sums are made in one order.
      at(this.#source, a) - at(this.#source, b)
    let start = 0
    let sorted = 0
    for (const end of ends) {
      if (end - start > 1) this.#order.subarray(start, end).sort(compare)
      sorted += end - start
      start = end
      if (sorted < STEP_DRAFTS) continue
      sorted = 0
      yield
    }
  }

  /** Events in order of id: the hash, and which places of the order have it. */
  *events(): Generator<DraftRun> {
    for (let from = 0; from < this.#size; ) {
      const first = at(this.#order, from)
      const high = at(this.#high, first)
      const low = at(this.#low, first)
      let end = from + 1
      for (; end < this.#size; end += 1) {
        const draft = at(this.#order, end)
        if (at(this.#high, draft) !== high || at(this.#low, draft) !== low) break
      }
      yield { high, low, from, end }
      from = end
    }
  }

  /** The source at a place of the order. */
  source(place: number): number {
    return at(this.#source, at(this.#order, place))
  }

  /** Puts the numbers of drafts into `#order`, bucket by bucket; returns where buckets end. */
  *#fillBuckets(): Generator<void, Uint32Array> {
    const ends = new Uint32Array(BUCKETS)
    for (let draft = 0; draft < this.#size; draft += 1) {
      const bucket = this.#bucket(draft)
      ends[bucket] = at(ends, bucket) + 1
      if (draft % STEP_DRAFTS === STEP_DRAFTS - 1) yield
    }
    for (let bucket = 1; bucket < BUCKETS; bucket += 1) {
      ends[bucket] = at(ends, bucket) + at(ends, bucket - 1)
    }
    const next = new Uint32Array(BUCKETS)
    next.set(ends.subarray(0, BUCKETS - 1), 1)
    this.#order = new Uint32Array(this.#size)
    for (let draft = 0; draft < this.#size; draft += 1) {
      const bucket = this.#bucket(draft)
      const place = at(next, bucket)
      this.#order[place] = draft
      next[bucket] = place + 1
      if (draft % STEP_DRAFTS === STEP_DRAFTS - 1) yield
    }
    return ends
  }

  #bucket(draft: number): number {
    return Math.floor(at(this.#high, draft) / BUCKET_WIDTH)
  }
}

function at(column: Float64Array | Uint32Array, index: number): number {
  return column[index] as number
}
