// A pretended Envoy: it writes one record after the other, on a clock that runs, jumps and is set
// back, some of them reports about long-lived requests. Faults come later.

import type { Dice } from './dice.ts'
import { type Field, setField } from './nasty-record.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const AMOUNT_MAX = 2 ** 53

/** A request that still runs, with what it reported last. */
interface LongRequest {
  readonly fields: Field[]
  readonly startMs: number
  received: number
  sent: number
}

export class LogWriter {
  readonly #dice: Dice
  /** Every amount is 2^53 and the clock hardly moves: sums of a window pass 2^63. */
  readonly #isHuge: boolean
  readonly #running: LongRequest[] = []
  readonly #stepsBackMs: number[] = []
  #nowMs = Date.UTC(2026, 10, 2, 12, 50, 30)

  constructor(dice: Dice, isHuge: boolean) {
    this.#dice = dice
    this.#isHuge = isHuge
  }

  /** The next record, whole and well-formed. */
  next(): Field[] {
    const dice = this.#dice
    this.#nowMs += dice.below(this.#isHuge ? 3 : 400)
    if (!this.#isHuge && dice.chance(0.02)) {
      this.#jump()
    }
    return dice.chance(0.2) ? this.#report() : this.#request()
  }

  #jump(): void {
    const dice = this.#dice
    const windowStartMs = this.#nowMs - (this.#nowMs % MINUTE_MS)
    const jumps = [
      ...[this.#nowMs + MINUTE_MS, windowStartMs + MINUTE_MS, windowStartMs + MINUTE_MS - 1],
      ...[this.#nowMs + HOUR_MS, windowStartMs + 24 * HOUR_MS, this.#nowMs + 25 * HOUR_MS],
      ...[windowStartMs - HOUR_MS, windowStartMs - HOUR_MS - 1, this.#nowMs - 2 * HOUR_MS],
      // A clock that was set back to the same moment before: its epoch's number is taken.
      ...this.#stepsBackMs,
    ]
    const toMs = dice.pick(jumps)
    if (toMs < windowStartMs - HOUR_MS) {
      this.#stepsBackMs.push(toMs)
    }
    this.#nowMs = toMs
  }

  #request(): Field[] {
    const dice = this.#dice
    const fields = this.#newFields()
    const ms = dice.pick([dice.below(30), dice.below(3_000), dice.below(200_000)])
    const lateMs = dice.chance(0.1) ? dice.below(50 * MINUTE_MS) : 0
    this.#setAmounts(fields, this.#bytes(), this.#bytes(), ms)
    this.#setStart(fields, this.#nowMs - lateMs - ms)
    return fields
  }

  /** A report of a running request, its first one, or its end. */
  #report(): Field[] {
    const dice = this.#dice
    if (this.#running.length === 0 || dice.chance(0.3)) {
      this.#running.push(this.#newLongRequest())
    }
    const request = dice.pick(this.#running)
    const isEnd = dice.chance(0.25)
    if (isEnd) {
      this.#running.splice(this.#running.indexOf(request), 1)
    }
    // Now and then counters begin again: another request with the same ids.
    const isRestart = dice.chance(0.08)
    request.received = isRestart ? dice.below(10) : request.received + dice.below(5_000)
    request.sent = isRestart ? dice.below(10) : request.sent + this.#bytes()
    const fields = request.fields.map(([key, value]): Field => [key, value])
    const ms = Math.max(0, this.#nowMs - request.startMs)
    this.#setAmounts(fields, request.received, Math.min(request.sent, AMOUNT_MAX), ms)
    const other = ['Periodic', 'Periodic', 'Start', 'TunnelSuccessfullyEstablished']
    setField(fields, 'access_log_type', `"Downstream${isEnd ? 'End' : dice.pick(other)}"`)
    return fields
  }

  #newLongRequest(): LongRequest {
    const dice = this.#dice
    const fields = this.#newFields()
    const start = this.#nowMs - dice.below(5_000)
    setField(fields, 'connection_id', dice.pick([String(dice.below(9)), 'null', '"-"']))
    if (dice.chance(0.7)) {
      setField(fields, 'stream_id', dice.pick([`"${dice.hex(8)}"`, '"chosen-by-client"', 'null']))
    }
    this.#setStart(fields, start)
    return { fields, startMs: start, received: 0, sent: 0 }
  }

  #newFields(): Field[] {
    const dice = this.#dice
    const namespace = `ns-${dice.pick(['a', 'b', '6f1c'])}`
    const kind = dice.pick(['httproute', 'httproute', 'httproute', 'grpcroute'])
    const name = `${dice.pick(['web', 'api', 'x.y'])}${dice.pick(['', '', String(dice.below(40))])}`
    const fields: Field[] = []
    setField(fields, 'method', dice.pick(['"GET"', '"POST"']))
    setField(fields, 'path', dice.pick(['"/"', '"/a?b=c"', '"/%F0%9F%98%80"']))
    setField(fields, 'project_name', `"p-${dice.pick(['a', 'b', 'c', String(dice.below(30))])}"`)
    setField(fields, 'request_id', `"${dice.hex(16)}"`)
    setField(fields, 'response_code', dice.pick(['200', '404', '101', '0']))
    setField(fields, 'route_name', `"${kind}/${namespace}/${name}/rule/0/match/0/*"`)
    return fields
  }

  #bytes(): number {
    const dice = this.#dice
    if (this.#isHuge) {
      return AMOUNT_MAX - dice.below(2)
    }
    return dice.pick([0, 466, dice.below(1_000), dice.below(1_000_000), 1_000_000])
  }

  #setAmounts(fields: Field[], received: number, sent: number, ms: number): void {
    setField(fields, 'bytes_received', String(received))
    setField(fields, 'bytes_sent', String(sent))
    setField(fields, 'duration', String(ms))
  }

  #setStart(fields: Field[], startMs: number): void {
    const iso = new Date(startMs).toISOString()
    const aheadIso = new Date(startMs + 2 * HOUR_MS).toISOString()
    const forms = [
      ...[`"${iso}"`, `"${iso}"`, `"${iso.slice(0, -1)}999Z"`, `"${iso.slice(0, -5)}Z"`],
      ...[`"${aheadIso.slice(0, -1)}+02:00"`, `"${iso.slice(0, -1)}000000-00:00"`],
      ...[`${startMs / 1000}`, `"${startMs / 1000}"`, `${Math.floor(startMs / 1000)}.0009`],
    ]
    setField(fields, 'start_time', this.#dice.chance(0.7) ? `"${iso}"` : this.#dice.pick(forms))
  }
}
