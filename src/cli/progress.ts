// How far long work over bytes is: a bar on stderr, when people look at it. Never on stdout.

import type { CommandIo } from './command.ts'
import { bytesText } from './quantities.ts'

const SHOW_EVERY_MS = 100
const SHOW_AFTER_MS = 400
const BAR_COLUMNS = 30

export class Progress {
  /** Uncompressed bytes folded so far. */
  bytes = 0
  readonly #redraw: CommandIo['redraw']
  /** 0 when it cannot be known. */
  readonly #total: number
  readonly #startedAtMs = Date.now()
  #shownAtMs = 0

  constructor(io: CommandIo, totalBytes: number) {
    this.#redraw = io.redraw
    this.#total = totalBytes
  }

  add(bytes: number): void {
    this.bytes += bytes
    const now = Date.now()
    const early = now - this.#startedAtMs < SHOW_AFTER_MS || now - this.#shownAtMs < SHOW_EVERY_MS
    if (this.#redraw === undefined || early) return
    this.#shownAtMs = now
    const perSecond = (this.bytes / (now - this.#startedAtMs)) * 1000
    const rate = `${bytesText(BigInt(this.bytes))}, ${bytesText(BigInt(Math.round(perSecond)))}/s`
    this.#redraw(`\r\u001B[K${this.#bar()}${rate}`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shownAtMs > 0) this.#redraw?.('\r\u001B[K')
  }

  #bar(): string {
    if (this.#total === 0) return ''
    const share = Math.min(1, this.bytes / this.#total)
    const full = Math.round(share * BAR_COLUMNS)
    return `[${'='.repeat(full)}${' '.repeat(BAR_COLUMNS - full)}] ${Math.round(share * 100)} %  `
  }
}
