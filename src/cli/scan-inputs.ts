// The files of `scan`: what is there, which streams they make, and their bytes into a meter.
//
// A regular file is read by the core (pread, off the main thread); `.gz`, standard input and pipes
// come through JavaScript in chunks. Nothing is ever held whole.

import { createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { MeterFastError } from '../errors.ts'
import { byAge, inflateFrom, isGzip, podLog } from '../meter/streams.ts'
import type { Meter } from '../meter.ts'

const SLICE_BYTES = 8 * 1024 * 1024

/** Something to scan; `-` is standard input. A pipe can be read once, so its reader is kept. */
export type ScanInput =
  | { readonly path: string; readonly kind: 'file' | 'gzip'; readonly sizeBytes: number }
  | { readonly path: string; readonly kind: 'pipe'; readonly pipe: PipeReader }

/** A pipe whose beginning may be looked at before it is read. */
export class PipeReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #seen: Uint8Array[] = []

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Chunks from here on, each kept for `read`. */
  async *look(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await this.#chunks.next()
      if (done) return
      this.#seen.push(value)
      yield value
    }
  }

  /** All chunks, those looked at first. */
  async *read(): AsyncGenerator<Uint8Array> {
    for (let chunk = this.#seen.shift(); chunk; chunk = this.#seen.shift()) yield chunk
    yield* { [Symbol.asyncIterator]: () => this.#chunks }
  }
}

export interface ScanStream {
  readonly name: string
  readonly inputs: readonly ScanInput[]
}

/**
 * Looks at every path first, so that a scan does not end in the middle.
 * @throws {MeterFastError} METER_INPUT_MISSING naming all paths that cannot be read.
 */
export async function findInputs(
  paths: readonly string[],
  stdin: NodeJS.ReadableStream,
): Promise<ScanInput[]> {
  const problems: string[] = []
  const inputs: ScanInput[] = []
  for (const path of paths) {
    const input = path === '-' ? pipeInput(path, stdin) : await findInput(path)
    if (typeof input === 'string') problems.push(input)
    else inputs.push(input)
  }
  if (problems.length > 0) throw new MeterFastError('METER_INPUT_MISSING', problems.join('\n'))
  return inputs
}

function pipeInput(path: string, stream: NodeJS.ReadableStream): ScanInput {
  return { path, kind: 'pipe', pipe: new PipeReader(stream as AsyncIterable<Buffer>) }
}

/** The input, or what is wrong with it. */
async function findInput(path: string): Promise<ScanInput | string> {
  let handle: FileHandle | undefined
  try {
    const facts = await stat(path)
    if (facts.isDirectory()) {
      return `${path} is a directory: name its files, e.g. ${path.replace(/\/$/, '')}/*.log`
    }
    if (!facts.isFile()) return pipeInput(path, createReadStream(path))
    handle = await open(path, 'r')
    return { path, kind: isGzip(path) ? 'gzip' : 'file', sizeBytes: facts.size }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return `${path} does not exist: check the name`
    if (code === 'ENOTDIR') return `${path} does not exist: a part before its last / is a file`
    if (code === 'EACCES') return `${path} may not be read: run as a user who may, or as its group`
    return `${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`
  } finally {
    await handle?.close()
  }
}

/** Groups the pod layout by container attempt; all other files are one stream, as given. */
export function groupStreams(inputs: readonly ScanInput[], name: string): ScanStream[] {
  const streams = new Map<string, { readonly inputs: ScanInput[]; readonly liveName?: string }>()
  for (const input of inputs) {
    const pod = podLog(input.path)
    const key = pod?.stream ?? name
    const group = streams.get(key) ?? { inputs: [], ...(pod && { liveName: pod.liveName }) }
    group.inputs.push(input)
    streams.set(key, group)
  }
  return [...streams]
    .map(([stream, { inputs: members, liveName }]) => {
      const order = liveName === undefined ? undefined : byAge(liveName)
      if (order) members.sort((a, b) => order(a.path, b.path))
      return { name: stream, inputs: members }
    })
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
}

/** Chunks to look at before the input is read; of `.gz` the uncompressed bytes. */
export async function* lookAt(input: ScanInput): AsyncGenerator<Uint8Array> {
  try {
    yield* input.kind === 'pipe' ? input.pipe.look() : fileChunks(input.path, input.kind)
  } catch (error) {
    // What comes before the damage is to be counted first; the reader tells of it.
    if (!(error instanceof MeterFastError) || error.code !== 'METER_INPUT_DAMAGED') throw error
  }
}

/** All chunks; a pipe's only once. */
export function inputChunks(input: ScanInput): AsyncIterable<Uint8Array> {
  return input.kind === 'pipe' ? input.pipe.read() : fileChunks(input.path, input.kind)
}

async function* fileChunks(path: string, kind: 'file' | 'gzip'): AsyncGenerator<Uint8Array> {
  if (kind === 'file') {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>
    return
  }
  await using file = await open(path, 'r')
  yield* inflateFrom(file, 0, path)
}

/**
 * Feeds one input to its end and ends the file; `onBytes` is told of uncompressed bytes as they
 * are folded. A damaged .gz counts up to its last line end before the damage, then throws.
 */
export async function feedInput(
  meter: Meter,
  input: ScanInput,
  onBytes: (bytes: number) => Promise<void>,
): Promise<void> {
  if (input.kind === 'file') {
    await using file = await open(input.path, 'r')
    for (let got = SLICE_BYTES; got === SLICE_BYTES; ) {
      got = await meter.read(file.fd, SLICE_BYTES)
      await onBytes(got)
    }
    meter.endFile()
    return
  }
  try {
    for await (const chunk of inputChunks(input)) {
      meter.feed(chunk)
      await onBytes(chunk.length)
    }
  } catch (error) {
    // Half a line at the damage is no line.
    meter.dropUnfinishedLine()
    throw error
  } finally {
    meter.endFile()
  }
}
