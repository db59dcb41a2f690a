// Cuts the bytes of one stream into lines as they were logged, out of plain text, CRI or docker
// records. What may not be billed is not judged here: `Meter` is given every line, and decides.

export interface LogLine {
  /** Without white space around it. */
  readonly content: Buffer
  /** When the runtime wrote its last part; undefined without a runtime. */
  readonly loggedAt: string | undefined
}

/** One physical line of a container's standard output. */
interface Part {
  readonly content: Buffer
  readonly loggedAt: string
  /** False when the line goes on in the next one. */
  readonly isLast: boolean
}

const [LF, CR] = [0x0a, 0x0d]
const CRI = /^(\S+) (stdout|stderr) ([PF])[^ ]* ?/
const CRI_HEAD_BYTES = 128
/** Longer lines are not billed by anybody; of these a beginning is kept. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

export class LogLines {
  #rest: Buffer = Buffer.alloc(0)
  /** How lines are wrapped: found by the first one that is not empty. */
  #partOf: ((physical: Buffer) => Part | undefined) | 'raw' | undefined
  /** Parts of a line of standard output that has no end yet. */
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
    this.#partOf ??= wrapping(physical)
    if (this.#partOf === 'raw') return { content: trimmed, loggedAt: undefined }
    const part = this.#partOf(physical)
    if (part === undefined) return undefined
    this.#parts.push(part.content)
    if (!part.isLast) return undefined
    const content = trim(Buffer.concat(this.#parts))
    this.#parts = []
    return content.length === 0 ? undefined : { content, loggedAt: part.loggedAt }
  }
}

/** How a stream's lines are wrapped, by its first one, which may be of standard error. */
function wrapping(physical: Buffer): ((physical: Buffer) => Part | undefined) | 'raw' {
  if (CRI.test(physical.toString('latin1', 0, CRI_HEAD_BYTES))) return criPart
  return dockerRecord(physical) === undefined ? 'raw' : dockerPart
}

/** Undefined for standard error, and for what is no such record. */
function criPart(physical: Buffer): Part | undefined {
  const head = physical.toString('latin1', 0, CRI_HEAD_BYTES)
  const [prefix = '', loggedAt = '', output, tag] = CRI.exec(head) ?? []
  if (output !== 'stdout') return undefined
  // A part may end in a blank that belongs to a value.
  const hasReturn = physical.at(-1) === CR
  const content = physical.subarray(prefix.length, hasReturn ? -1 : physical.length)
  return { content, loggedAt, isLast: tag === 'F' }
}

function dockerPart(physical: Buffer): Part | undefined {
  const record = dockerRecord(physical)
  if (record?.stream !== 'stdout') return undefined
  const { log, time } = record
  return { content: Buffer.from(log), loggedAt: time, isLast: log.endsWith('\n') }
}

function dockerRecord(physical: Buffer): Record<'log' | 'stream' | 'time', string> | undefined {
  try {
    const value: unknown = JSON.parse(physical.toString())
    const { log, stream, time } = Object(value) as Record<string, unknown>
    if (typeof log !== 'string' || typeof stream !== 'string' || typeof time !== 'string') return
    return { log, stream, time }
  } catch {
    return undefined
  }
}

function trim(line: Buffer): Buffer {
  let [start, end] = [0, line.length]
  while (start < end && isBlank(line[start])) start += 1
  while (end > start && isBlank(line[end - 1])) end -= 1
  return line.subarray(start, end)
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR || byte === LF
}
