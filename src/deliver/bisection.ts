// What becomes of one batch, answer by answer: pure state, no clock and no network.
//
// A batch is one piece at first. An answer accepts a piece, puts single events into quarantine,
// leaves the piece as it is for another attempt, or splits it into halves, which are new frozen
// batches of the same event bytes. So one event that a sink cannot take costs about 14 more
// requests in a batch of 100, and holds nobody else's usage up.
//
// A sink that is down must not cost a single event. While a sink refuses, an event is set aside
// only if the sink is known to work: something else was accepted after the event, or a piece that
// it was in, was first refused, and 5 more refusals of every such piece came after that. What else
// was accepted may be of another batch: a batch of which the sink takes nothing looks like a sink
// that is down until it takes another one. And whatever else shows that the sink is down takes
// the blame away again.

import {
  boundedText,
  type FrozenBatch,
  freezeBatch,
  type Rejection,
  type SinkAnswer,
} from './sink.ts'

/** The end of events: every id of a batch is in one of the two at last. */
export interface BatchOutcome {
  readonly accepted: string[]
  readonly quarantined: Rejection[]
}

/** Refusals of one batch after which its halves are tried. */
export const REFUSALS_MAX = 5

/** Nobody gets anything accepted, whatever it sends. */
const AWAY: ReadonlySet<SinkAnswer['kind']> = new Set([
  'unreachable',
  'unauthorized',
  'misconfigured',
])

interface Piece {
  readonly ids: readonly string[]
  /** Answers `unknown` to this piece since it was made or since it is `blamed`. */
  refusals: number
  /** The sink works: refusals are the fault of the events. */
  blamed: boolean
  /** It was answered as ambiguous once, and sent again. */
  resent: boolean
}

/** The pieces of one batch that are not settled yet. */
export class Bisection {
  #pieces: Piece[]
  #accepted: string[] = []
  #quarantined: Rejection[] = []
  /** What the batch holds; taken away while the batch waits in the outbox. */
  #batch: FrozenBatch | undefined
  /** A piece as it is sent, made once for all of its attempts. */
  #frozen: { readonly piece: Piece; readonly batch: FrozenBatch } | undefined

  constructor(batch: FrozenBatch) {
    this.#batch = batch
    this.#pieces = batch.ids.length > 0 ? [newPiece(batch.ids, false)] : []
  }

  /** What to send next; undefined when every event is settled. */
  get current(): FrozenBatch | undefined {
    const piece = this.#pieces[0]
    if (piece === undefined || this.#batch === undefined) return undefined
    if (this.#frozen?.piece !== piece) {
      this.#frozen = { piece, batch: frozen(piece.ids, this.#batch) }
    }
    return this.#frozen.batch
  }

  /** What was settled since it was last taken. */
  takeOutcome(): BatchOutcome {
    const outcome = { accepted: this.#accepted, quarantined: this.#quarantined }
    this.#accepted = []
    this.#quarantined = []
    return outcome
  }

  /** Keeps what is known of the events that are left, not their bytes; gives the first of them. */
  setBack(): string {
    const left = this.#left()
    const first = this.#batch?.ids.find((id) => left.has(id)) ?? ''
    this.#batch = undefined
    this.#frozen = undefined
    return first
  }

  /** Goes on with a batch of what is left; false, and nothing is changed, if it is another one. */
  takeUp(batch: FrozenBatch): boolean {
    const left = this.#left()
    if (left.size !== batch.ids.length || !batch.ids.every((id) => left.has(id))) return false
    this.#batch = batch
    return true
  }

  /** Takes what the sink answered to a piece of another batch. */
  heard(answer: SinkAnswer, { ids }: FrozenBatch): void {
    if (answer.kind === 'accepted') this.#sinkWorks()
    else if (answer.kind === 'partly' && answer.rejected.length < ids.length) this.#sinkWorks()
    else if (AWAY.has(answer.kind)) this.sinkIsDown()
  }

  /** Refusals tell nothing about these events. */
  sinkIsDown(): void {
    for (const piece of this.#pieces) piece.blamed = false
  }

  #left(): Set<string> {
    return new Set(this.#pieces.flatMap(({ ids }) => ids))
  }

  #sinkWorks(): void {
    for (const piece of this.#pieces) {
      if (!piece.blamed) piece.refusals = 0
      piece.blamed = true
    }
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
        if (piece.ids.length > 1) this.#split(piece)
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
        this.sinkIsDown()
    }
  }

  #accept(piece: Piece, rejected: readonly Rejection[]): void {
    const refused = new Set(rejected.map(({ id }) => id))
    const accepted = piece.ids.filter((id) => !refused.has(id))
    this.#accepted.push(...accepted)
    this.#quarantined.push(...rejected)
    if (accepted.length > 0) this.#sinkWorks()
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
    const isDue = piece.blamed || piece.ids.length > 1
    if (isDue && piece.refusals >= REFUSALS_MAX) {
      this.#splitOrQuarantine(piece, reasonOf(answer))
    } else {
      // To the end: pieces that the sink does take must not wait behind one that it does not.
      this.#pieces.push(piece)
    }
  }

  #splitOrQuarantine(piece: Piece, reason: string): void {
    const [id] = piece.ids
    if (piece.ids.length > 1) this.#split(piece)
    else if (id !== undefined) this.#quarantined.push({ id, reason })
  }

  #split({ ids, blamed }: Piece): void {
    const middle = Math.ceil(ids.length / 2)
    const halves = [ids.slice(0, middle), ids.slice(middle)]
    this.#pieces.unshift(...halves.map((half) => newPiece(half, blamed)))
  }
}

function newPiece(ids: readonly string[], blamed: boolean): Piece {
  return { ids, refusals: 0, blamed, resent: false }
}

/** The batch itself, or a new one of some of its events. */
function frozen(ids: readonly string[], batch: FrozenBatch): FrozenBatch {
  if (ids.length === batch.ids.length) return batch
  const texts = new Map(batch.ids.map((id, index) => [id, batch.texts[index] ?? '']))
  return freezeBatch(
    batch.number,
    ids.map((id) => ({ id, text: texts.get(id) ?? '' })),
  )
}

function reasonOf({ status, text }: SinkAnswer): string {
  return boundedText(`refused ${status} ${text}`)
}
