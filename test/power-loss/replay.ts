// From recorded system calls to the steps of a disk. A power cut may come after any step.
//
// How lmdb 3.5.6 writes with our options (one file, no overlapping sync), as recorded here:
//
//   made      openat O_CREAT, one pwrite64 of 8,192 bytes: both meta pages, no sync of its own.
//             state.mdb-lock beside it is mapped and written through memory.
//   opened    twice: for pages, and O_DSYNC for meta pages; mapped read-only
//   commit n  its pages, about in order of their numbers: neighbours by lseek and writev (64 at
//             most), others by pwrite64; then fdatasync; then one pwrite64 of 128 bytes to the
//             O_DSYNC descriptor, at byte 40 of page n % 2, which is inside one sector
//
// So no page that the last commit uses is ever written, and a commit is there when 128 bytes in
// one sector are. state.mdb is never truncated or written through its mapping, and room that is
// taken ahead keeps its size. A call that this file does not know fails the recording: then
// something writes in another way.

import { Disk, DiskFile } from './disk.ts'
import { type Call, unescaped } from './strace.ts'

export interface Step {
  readonly what: string
  readonly atMs: number
  readonly apply: () => void
  /** Something became durable. */
  readonly isSync: boolean
}

interface OpenFile {
  readonly path: string
  /** Undefined for a directory. */
  readonly file: DiskFile | undefined
  readonly appends: boolean
  readonly syncsWrites: boolean
  position: number
}

const STRING = /"([^"]*)"/g
const DESCRIPTOR = /^(\d+)</
/** Calls that change nothing on the disk. */
const READING = new Set(['fcntl', 'dup', 'dup2', 'dup3', 'fstat'])

/** Replays the calls of processes that lived one after the other in one directory. */
export class Replay {
  readonly disk = new Disk()
  readonly #directory: string
  readonly #alias: string
  #open = new Map<number, OpenFile>()

  /** Both are paths of the recorded directory, without a slash at the end. */
  constructor(directory: string, alias: string) {
    this.#directory = directory
    this.#alias = alias
  }

  /** The process has ended, and its descriptors with it. */
  endProcess(): void {
    this.#open = new Map()
  }

  /** What `call` does, step by step; steps must be applied before the next call is asked for. */
  *steps(call: Call): Generator<Step> {
    const { name, atMs } = call
    const step = (what: string, isSync: boolean, apply: () => void): Step => {
      return { what: `${name} ${what}`, atMs, isSync, apply }
    }
    if (READING.has(name)) return
    if (!['mkdir', 'unlink', 'openat'].includes(name)) {
      yield* this.#onDescriptor(call, step)
      return
    }
    const path = this.#pathOf(stringAt(call, 0))
    if (path === undefined) return
    if (name === 'mkdir') yield step(path, false, () => this.disk.name(path, null))
    else if (name === 'unlink') yield step(path, false, () => this.disk.name(path, undefined))
    else yield* this.#opened(call, path, step)
  }

  *#opened(call: Call, path: string, step: MakeStep): Generator<Step> {
    const flags = call.args.slice(call.args.lastIndexOf('"') + 2).trim()
    const has = (flag: string): boolean => new RegExp(`\\b${flag}\\b`).test(flags)
    const descriptor = Number(/^\d+/.exec(call.result)?.[0])
    const there = path === '' ? null : this.disk.find(path)
    const file = there === undefined && has('O_CREAT') ? new DiskFile() : there
    // Not ours: a log, which its writer made.
    if (file === undefined) return
    const open = { path, file: file ?? undefined, position: 0 }
    const writes = { appends: has('O_APPEND'), syncsWrites: has('O_DSYNC') || has('O_SYNC') }
    this.#open.set(descriptor, { ...open, ...writes })
    if (there === undefined) yield step(path, false, () => this.disk.name(path, file))
    if (file !== null && has('O_TRUNC') && file.bytes.length > 0) {
      yield step(`${path} O_TRUNC`, false, () => file.truncate(0))
    }
  }

  *#onDescriptor(call: Call, step: MakeStep): Generator<Step> {
    const { name, args } = call
    const descriptor = Number(DESCRIPTOR.exec(args)?.[1])
    const open = this.#open.get(descriptor)
    if (open === undefined) return
    const { path, file } = open
    switch (name) {
      case 'close':
        this.#open.delete(descriptor)
        return
      case 'lseek':
        open.position = Number(call.result)
        return
      case 'mmap':
        if (!args.includes('PROT_WRITE') || path.endsWith('-lock')) return
        break
      case 'fsync':
      case 'fdatasync':
        yield step(path, true, () => (file ? file.sync() : this.disk.syncDirectory(path)))
        return
      case 'fallocate': {
        if (args.includes('FALLOC_FL_KEEP_SIZE')) return
        const [from = 0, bytes = 0] = args.split(', ').slice(-2).map(Number)
        yield step(`${path} to ${from + bytes} bytes`, false, () => file?.extend(from + bytes))
        return
      }
      case 'ftruncate': {
        const bytes = Number(/(\d+)$/.exec(args)?.[1])
        yield step(`${path} to ${bytes} bytes`, false, () => file?.truncate(bytes))
        return
      }
      case 'write':
      case 'writev':
      case 'pwrite64':
        yield* this.#written(call, open, step)
        return
    }
    throw new Error(`the replay does not know ${name}(${args.slice(0, 200)})`)
  }

  *#written(call: Call, open: OpenFile, step: MakeStep): Generator<Step> {
    const { path, file, appends, syncsWrites } = open
    if (file === undefined) throw new Error(`a write to the directory ${path}`)
    const count = Number(call.result)
    const bytes = bytesOf(call.args).subarray(0, count)
    if (bytes.length !== count) throw new Error(`only ${bytes.length} of ${count} bytes recorded`)
    const given = call.name === 'pwrite64' ? Number(/(\d+)$/.exec(call.args)?.[1]) : undefined
    const at = given ?? (appends ? file.bytes.length : open.position)
    if (given === undefined) open.position = at + count
    const what = `${path}, ${count} bytes at ${at}`
    yield step(what, false, () => file.write(at, bytes))
    if (syncsWrites) yield step(`${what}, synced`, true, () => file.syncLastWrite())
  }

  /** Below the recorded directory, without a slash at the beginning; undefined elsewhere. */
  #pathOf(path: string): string | undefined {
    for (const base of [this.#directory, this.#alias]) {
      if (path === base || path.startsWith(`${base}/`)) return path.slice(base.length + 1)
    }
    return path.startsWith('/') ? undefined : path
  }
}

type MakeStep = (what: string, isSync: boolean, apply: () => void) => Step

function stringAt(call: Call, index: number): string {
  const found = [...call.args.matchAll(STRING)][index]
  if (found === undefined) throw new Error(`no string ${index} in ${call.name}(${call.args})`)
  return unescaped(found[1] ?? '').toString()
}

function bytesOf(args: string): Buffer {
  const strings = [...args.matchAll(STRING)]
  return Buffer.concat(strings.map(([, text = '']) => unescaped(text)))
}
