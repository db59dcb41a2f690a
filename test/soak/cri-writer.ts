// Writes a container's output as containerd does: `<time> stdout <P|F> <content>` a line, cut into
// parts of 16 KiB, appended to `<n>.log` of a pod's directory. Keeps a copy of every byte.

import { appendFileSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const PART_BYTES = 16_384
const LF = 0x0a
const CR = 0x0d

export class CriWriter {
  lines = 0
  parts = 0
  bytes = 0
  readonly #path: string
  readonly #copyPath: string
  #fd: number
  #rest: Buffer = Buffer.alloc(0)

  /** `copyPath`: a file that is never rotated. */
  constructor(path: string, copyPath: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#path = path
    this.#copyPath = copyPath
    this.#fd = openSync(path, 'a', 0o640)
  }

  /** Output of the container; a line may come in any number of pieces. */
  write(chunk: Buffer): void {
    let rest = Buffer.concat([this.#rest, chunk])
    const out: Buffer[] = []
    for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
      const line = rest.subarray(0, end > 0 && rest[end - 1] === CR ? end - 1 : end)
      rest = rest.subarray(end + 1)
      this.#record(line, out)
      this.lines += 1
    }
    this.#rest = Buffer.from(rest)
    this.#append(Buffer.concat(out))
  }

  /** What ReopenContainerLog does: until then a renamed file gets what is written. */
  reopen(): void {
    closeSync(this.#fd)
    this.#fd = openSync(this.#path, 'a', 0o640)
  }

  /** The container has ended: a line without its end stays a part without its end. */
  close(): void {
    if (this.#rest.length > 0) this.#append(record('P', this.#rest))
    closeSync(this.#fd)
  }

  #record(line: Buffer, out: Buffer[]): void {
    let from = 0
    while (line.length - from > PART_BYTES) {
      out.push(record('P', line.subarray(from, from + PART_BYTES)))
      from += PART_BYTES
      this.parts += 1
    }
    out.push(record('F', line.subarray(from)))
  }

  #append(bytes: Buffer): void {
    writeSync(this.#fd, bytes)
    appendFileSync(this.#copyPath, bytes)
    this.bytes += bytes.length
  }
}

function record(tag: 'P' | 'F', content: Buffer): Buffer {
  // Nanoseconds, with the zeros at the end cut, as Go prints them.
  const nanoseconds = String(process.hrtime.bigint() % 1_000_000n).padStart(6, '0')
  const time = `${new Date().toISOString().slice(0, -1)}${nanoseconds}`.replace(/\.?0+$/, '')
  return Buffer.concat([Buffer.from(`${time}Z stdout ${tag} `), content, Buffer.from('\n')])
}
