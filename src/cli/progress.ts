// How far long work over bytes is: a bar on stderr, when people look at it. Never on stdout.

import { cellsOf, cutMiddle } from './cells.ts'
import type { CommandIo } from './command.ts'
import { bytesText, durationText } from './quantities.ts'

const SHOW_EVERY_MS = 100
const SHOW_AFTER_MS = 400
const BAR_CELLS_MAX = 30
const BAR_CELLS_MIN = 6
/** How long is left says nothing before this share is done. */
const SHARE_KNOWN = 0.02

const TAKE_AWAY = '\r\u001B[K'

export class Progress {
  /** Uncompressed bytes folded so far. */
  bytes = 0
  readonly #terminal: CommandIo['terminal']
  /** 0 when it cannot be known. */
  readonly #total: number
  readonly #startedAtMs = Date.now()
  #shownAtMs = 0

  constructor(io: Pick<CommandIo, 'terminal'>, totalBytes: number) {
    this.#terminal = io.terminal
    this.#total = totalBytes
  }

  add(bytes: number): void {
    this.bytes += bytes
    const now = Date.now()
    const early = now - this.#startedAtMs < SHOW_AFTER_MS || now - this.#shownAtMs < SHOW_EVERY_MS
    if (this.#terminal === undefined || early) return
    this.#shownAtMs = now
    // The last cell stays free: a terminal may go on to the next line when it is filled.
    const cells = this.#terminal.display().columns - 1
    this.#terminal.redraw(TAKE_AWAY + this.#line(now - this.#startedAtMs, cells))
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shownAtMs > 0) this.#terminal?.redraw(TAKE_AWAY)
  }

  #line(sinceMs: number, cells: number): string {
    const rate = `${bytesText(Math.round((this.bytes / sinceMs) * 1000))}/s`
    if (this.#total === 0) return cutMiddle(`${bytesText(this.bytes)}, ${rate}`, cells)
    const share = Math.min(1, this.bytes / this.#total)
    const left = (sinceMs / share) * (1 - share)
    const eta = share < SHARE_KNOWN ? '' : `, ${durationText(Math.round(left))} left`
    // The longest of these that fits.
    const percent = `${Math.floor(share * 100)} %`
    const texts = [
      `${percent}  ${bytesText(this.bytes)} of ${bytesText(this.#total)}, ${rate}${eta}`,
      `${percent}  ${rate}${eta}`,
      percent,
    ]
    const room = (text: string): number => cells - cellsOf(text) - '[]  '.length
    const text = texts.find((one) => room(one) >= BAR_CELLS_MIN) ?? percent
    return `${bar(share, Math.min(BAR_CELLS_MAX, room(text)))}  ${text}`
  }
}

function bar(share: number, cells: number): string {
  const full = Math.floor(share * cells)
  return `[${'='.repeat(full)}${' '.repeat(cells - full)}]`
}
