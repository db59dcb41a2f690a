// What becomes of one batch, answer by answer: pure state, no clock and no network.
//
// A batch is one piece at first. An answer accepts a piece, puts single events into quarantine,
// leaves the piece as it is for another attempt, or splits it into halves, which are new frozen
// batches of the same event bytes. So one event that a sink cannot take costs about 14 more
// requests in a batch of 100, and holds nobody else's usage up.
//
// A sink that is down must not cost a single event: while a sink refuses, an event is set aside
// only if something else was accepted since the event stands alone, and 5 more refusals came
// after that.

import {
  boundedText,
  type FrozenBatch,
  freezeBatch,
  type Rejection,
  type SinkAnswer,
} from './sink.ts'

/** The end of a batch: every id of it is in exactly one of the two. */
export interface BatchOutcome {
  readonly accepted: string[]
  readonly quarantined: Rejection[]
}

const REFUSALS_MAX = 5

interface Piece {
  readonly batch: FrozenBatch
  /** Answers `unknown` to this piece since it was made or since `sinkWorks`. */
  refusals: number
  /** Something else was accepted since this piece was made. */
  sinkWorks: boolean
  /** It was answered as ambiguous once, and sent again. */
  resent: boolean
}

/** The pieces of one batch that are not settled yet. */
export class Bisection {
  readonly #pieces: Piece[]
  readonly #accepted: string[] = []
  readonly #quarantined: Rejection[] = []

  constructor(batch: FrozenBatch) {
    this.#pieces = batch.ids.length > 0 ? [newPiece(batch)] : []
  }

  /** What to send next; undefined when every event is settled. */
  get current(): FrozenBatch | undefined {
    return this.#pieces[0]?.batch
  }

  get outcome(): BatchOutcome {
    return { accepted: this.#accepted, quarantined: this.#quarantined }
  }

  /** Takes the sink's answer to `current`. */
  answered(answer: SinkAnswer): void {
    const piece = this.#pieces.shift()
    if (piece === undefined) return
    switch (answer.kind) {
      case 'accepted':
        this.#accept(piece, [])
        break
      case 'partly':
        this.#accept(piece, answer.rejected)
        break
      case 'unmatched':
        if (piece.batch.ids.length > 1) this.#split(piece)
        else this.#resendOrSplit(piece)
        break
      case 'ambiguous':
        this.#resendOrSplit(piece)
        break
      case 'unknown':
        this.#retryOrSplit(piece, answer)
        break
      case 'refused':
      case 'tooLarge':
        this.#splitOrQuarantine(piece, reasonOf(answer))
        break
      default:
        // The fault is not in the batch: it waits where it is.
        this.#pieces.unshift(piece)
    }
  }

  #accept(piece: Piece, rejected: readonly Rejection[]): void {
    const refused = new Set(rejected.map(({ id }) => id))
    const accepted = piece.batch.ids.filter((id) => !refused.has(id))
    this.#accepted.push(...accepted)
    this.#quarantined.push(...rejected)
    if (accepted.length === 0) return
    for (const other of this.#pieces) {
      if (other.sinkWorks) continue
      other.sinkWorks = true
      other.refusals = 0
    }
  }

  #resendOrSplit(piece: Piece): void {
    if (piece.resent) {
      this.#splitOrQuarantine(piece, 'not_accepted')
    } else {
      piece.resent = true
      this.#pieces.unshift(piece)
    }
  }

  #retryOrSplit(piece: Piece, answer: SinkAnswer): void {
    piece.refusals += 1
    const blamed = piece.sinkWorks || piece.batch.ids.length > 1
    if (blamed && piece.refusals >= REFUSALS_MAX) {
      this.#splitOrQuarantine(piece, reasonOf(answer))
    } else {
      // To the end: pieces that the sink does take must not wait behind one that it does not.
      this.#pieces.push(piece)
    }
  }

  #splitOrQuarantine(piece: Piece, reason: string): void {
    const [id] = piece.batch.ids
    if (piece.batch.ids.length > 1) this.#split(piece)
    else if (id !== undefined) this.#quarantined.push({ id, reason })
  }

  #split({ batch }: Piece): void {
    const events = batch.ids.map((id, index) => ({ id, text: batch.texts[index] ?? '' }))
    const middle = Math.ceil(events.length / 2)
    const halves = [events.slice(0, middle), events.slice(middle)]
    this.#pieces.unshift(...halves.map((half) => newPiece(freezeBatch(batch.number, half))))
  }
}

function newPiece(batch: FrozenBatch): Piece {
  return { batch, refusals: 0, sinkWorks: false, resent: false }
}

function reasonOf({ status, text }: SinkAnswer): string {
  return boundedText(`refused ${status} ${text}`)
}
