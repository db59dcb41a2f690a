// From files to joined lines (DESIGN 4.1, 4.4): physical lines, CRI and docker records, parts.

import { walk } from './json-walk.ts'
import { decode, isObject, mend } from './mend.ts'

export type Envelope = 'auto' | 'raw' | 'cri' | 'docker'

/** One line after joining. `content` is latin1 text, one character per byte. */
export interface JoinedLine {
  readonly origin: 'stdout' | 'stderr' | 'bad_envelope'
  readonly content: string
  /** The envelope's time of the last part, unread; empty in the raw envelope. */
  readonly time: string
  /** A part without its end: the stream is over. */
  readonly isCut: boolean
}

interface Part extends Omit<JoinedLine, 'isCut'> {
  readonly isLast: boolean
}

const BOM = '\xef\xbb\xbf'

/** The physical lines of all files: LF ends one, and so does the end of a file that has a tail. */
export function physicalLines(files: readonly Buffer[]): string[] {
  return files.flatMap((file) => {
    const text = file.toString('latin1')
    const lines = (text.startsWith(BOM) ? text.slice(BOM.length) : text).split('\n')
    const tail = lines.pop() ?? ''
    const ended = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    return tail === '' ? ended : [...ended, tail]
  })
}

function rawPart(line: string): Part {
  return { origin: 'stdout', content: line, time: '', isLast: true }
}

function criPart(line: string): Part | null {
  const match = /^([^ ]+) (stdout|stderr) ([PF])(?::[^ ]*)? (.*)$/s.exec(line)
  if (match === null) {
    return null
  }
  const [, time = '', origin, tag, content = ''] = match
  return { origin: origin as 'stdout' | 'stderr', content, time, isLast: tag === 'F' }
}

/** A record is read whole or not at all: six bytes for each of its line, and 4 KiB beside it. */
function dockerPart(line: string, lineBytesMax: number): Part | null {
  if (line.length >= 6 * lineBytesMax + 4096 || !isObject(line) || mend(line) !== line) {
    return null
  }
  const { values } = walk(line)
  const [log, stream, time] = ['log', 'stream', 'time'].map((key) => {
    const places = values.filter(({ path }) => path.length === 1 && path[0] === key)
    const value = places.map(({ from, to }) => decode(line.slice(from, to)))
    return value.length === 1 && typeof value[0] === 'string' ? value[0] : null
  })
  if (log == null || time == null || (stream !== 'stdout' && stream !== 'stderr')) {
    return null
  }
  const isLast = log.endsWith('\n')
  const content = Buffer.from(isLast ? log.slice(0, -1) : log).toString('latin1')
  return { origin: stream, content, time: Buffer.from(time).toString('latin1'), isLast }
}

const READERS = { raw: rawPart, cri: criPart, docker: dockerPart }

function detect(lines: readonly string[], lineBytesMax: number): 'raw' | 'cri' | 'docker' {
  const first = lines.find((line) => line !== '') ?? ''
  if (criPart(first) !== null) {
    return 'cri'
  }
  return dockerPart(first, lineBytesMax) === null ? 'raw' : 'docker'
}

/** The joined lines of one stream, in the order in which their last parts came. */
export function joinedLines(
  files: readonly Buffer[],
  envelope: Envelope,
  lineBytesMax: number,
): JoinedLine[] {
  const lines = physicalLines(files)
  const read = READERS[envelope === 'auto' ? detect(lines, lineBytesMax) : envelope]
  const open = new Map<Part['origin'], Part>()
  const joined: JoinedLine[] = []
  for (const line of lines) {
    const part = line === '' ? rawPart('') : read(line, lineBytesMax)
    if (part === null) {
      joined.push({ origin: 'bad_envelope', content: line, time: '', isCut: false })
    } else if (line === '') {
      // An empty physical line is a line of its own and does not touch open parts.
      joined.push({ ...part, isCut: false })
    } else {
      const content = (open.get(part.origin)?.content ?? '') + part.content
      open.delete(part.origin)
      if (part.isLast) {
        joined.push({ ...part, content, isCut: false })
      } else {
        open.set(part.origin, { ...part, content })
      }
    }
  }
  return [...joined, ...[...open.values()].map((part) => ({ ...part, isCut: true }))]
}
