// Cuts the bytes of one stream into lines as they were logged, out of plain text or CRI records.
// What may not be billed is not judged here: `Meter` is given every line, and decides.

export interface LogLine {
  /** Without white space around it. */
  readonly content: Buffer
  /** Of a CRI record: when its last part was written. */
  readonly loggedAt: string | undefined
}

const [LF, CR] = [0x0a, 0x0d]
const CRI = /^(\S+) (stdout|stderr) ([PF])[^ ]* ?/
const CRI_HEAD_BYTES = 128
/** Longer lines are not billed by anybody; of these a beginning is kept. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

export class LogLines {
  #rest: Buffer = Buffer.alloc(0)
  /** Found by the first line that is not empty. */
  #isCri: boolean | undefined
  /** Parts of a record of standard output that has no end yet. */
  #parts: Buffer[] = []

  /** Lines that end in these bytes. */
  push(chunk: Uint8Array): LogLine[] {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    const lines: LogLine[] = []
    let start = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      const line = this.#line(bytes.subarray(start, end))
      if (line) lines.push(line)
      start = end + 1
    }
    this.#rest = bytes.subarray(start, start + LINE_BYTES_MAX)
    return lines
  }

  /** The file ends: a tail without line end is a line. */
  endFile(): LogLine[] {
    return this.#rest.length === 0 ? [] : this.push(Buffer.of(LF))
  }

  #line(physical: Buffer): LogLine | undefined {
    const trimmed = trim(physical)
    if (trimmed.length === 0) return undefined
    this.#isCri ??= CRI.test(trimmed.toString('latin1', 0, CRI_HEAD_BYTES))
    if (!this.#isCri) return { content: trimmed, loggedAt: undefined }
    const head = physical.toString('latin1', 0, CRI_HEAD_BYTES)
    const [prefix = '', loggedAt, output, tag] = CRI.exec(head) ?? []
    if (output !== 'stdout') return undefined
    // A part may end in a blank that belongs to a value.
    const hasReturn = physical.at(-1) === CR
    this.#parts.push(physical.subarray(prefix.length, hasReturn ? -1 : physical.length))
    if (tag === 'P') return undefined
    const content = trim(Buffer.concat(this.#parts))
    this.#parts = []
    return content.length === 0 ? undefined : { content, loggedAt }
  }
}

function trim(line: Buffer): Buffer {
  let [start, end] = [0, line.length]
  while (start < end && isBlank(line[start])) start += 1
  while (end > start && isBlank(line[end - 1])) end -= 1
  return line.subarray(start, end)
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR
}
