// The near end of the demo: writes a log as a gateway does, and rotates it by rename while it is
// being read. The lines are synthetic, with a known truth, or those of the user's files.

import { type FileHandle, open, rename } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { SyntheticLog } from './generate-lines.ts'
import { inputChunks, type ScanInput } from './scan-inputs.ts'

const TICK_MS = 50
const LINE_FEED = 0x0a
const ROTATE_EVERY_MS = 1000

/** Appends to `<directory>/access.log` and renames it away once a second. */
export class RotatingLog {
  readonly path: string
  rotations = 0
  bytes = 0
  #file: FileHandle | undefined
  #rotateAtMs = Date.now() + ROTATE_EVERY_MS

  constructor(directory: string) {
    this.path = `${directory}/access.log`
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#file ??= await open(this.path, 'a')
    await this.#file.appendFile(chunk)
    this.bytes += chunk.length
    // Envoy never splits a line over two files.
    if (Date.now() < this.#rotateAtMs || chunk.at(-1) !== LINE_FEED) return
    this.#rotateAtMs = Date.now() + ROTATE_EVERY_MS
    await rename(this.path, `${this.path}.${this.rotations + 1}`)
    this.rotations += 1
    await this.close()
    this.#file = await open(this.path, 'a')
  }

  /** All generations, oldest first. */
  get paths(): string[] {
    const old = Array.from({ length: this.rotations }, (_, i) => `${this.path}.${i + 1}`)
    return [...old, this.path]
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

/** Chunks that come at the speed of a gateway: `perSecond` lines, for `seconds`. */
export async function* liveLines(
  perSecond: number,
  seconds: number,
  log: SyntheticLog,
): AsyncGenerator<Uint8Array> {
  const startedAtMs = Date.now()
  let made = 0
  const total = perSecond * seconds
  while (made < total) {
    const due = Math.min(total, Math.round(((Date.now() - startedAtMs) / 1000) * perSecond))
    let text = ''
    for (; made < due; made++) text += log.next()
    // A flush of Envoy ends anywhere: the file mostly ends with half a line.
    const bytes = Buffer.from(text, 'latin1')
    const cut = Math.floor(bytes.length / 2)
    yield bytes.subarray(0, cut)
    yield bytes.subarray(cut)
    await delay(TICK_MS)
  }
}

export function syntheticLog(perSecond: number): SyntheticLog {
  return new SyntheticLog({
    projects: 8,
    routes: 40,
    seed: Math.floor(Math.random() * 2 ** 32),
    format: 'datum',
    envelope: 'raw',
    startMs: Date.now() - 1000,
    perSecond,
  })
}

/** The bytes of the user's files, each ended by a line end, as fast as they can be read. */
export async function* fileBytes(inputs: readonly ScanInput[]): AsyncGenerator<Uint8Array> {
  for (const input of inputs) {
    let last = LINE_FEED
    for await (const chunk of inputChunks(input)) {
      last = chunk.at(-1) ?? last
      yield chunk
    }
    if (last !== LINE_FEED) yield Buffer.from('\n')
  }
}
