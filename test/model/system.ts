// The system as an agent under test sees it: files and clocks. While a simulation is on, calls on
// paths below its directory are made synchronously, so that a run is the same every time, and each
// is a place where the simulation may let something happen, or let the agent die. Calls of others
// pass through. The files are real ones; what the simulation says of them is when they changed.
//
// It is done by replacing functions of Node, once per process, and not by an interface in the
// product: whatever the product calls is caught, also what is written after this file.

import fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import timers from 'node:timers/promises'

/** The functions as they were, for the test itself. */
export const real = {
  ...fs,
  now: Date.now.bind(Date),
  elapsed: performance.now.bind(performance),
  /** Lets the event loop turn once. */
  turn: timers.setImmediate,
}

/** What a simulation is asked by the functions below. */
export interface Observer {
  /** Below it, files belong to the simulation. */
  readonly directory: string
  nowMs(): number
  elapsedMs(): number
  /** The agent waits for a call to return; it never does when the agent dies meanwhile. */
  operation(): Promise<void>
  /** The agent looks at something without waiting. */
  glimpse(): void
  opened(fd: number): void
  /** Bytes of an open file are read. */
  reads(fd: number): void
  closed(fd: number): void
  owns(fd: number): boolean
  /** When the file or directory with this inode was made and changed, on the wall clock. */
  timesOf(inode: bigint): { readonly bornMs: number; readonly changedMs: number }
  /** The inode as the agent sees it. */
  inodeOf(inode: bigint): bigint
  /** An engine was made: its calls that take time are to be operations too. */
  engine(engine: object): object
}

let observer: Observer | undefined

/** Turns a simulation on, or off with undefined. */
export function observe(next: Observer | undefined): void {
  observer = next
}

function observerOf(path: unknown): Observer | undefined {
  return typeof path === 'string' && observer && path.startsWith(observer.directory)
    ? observer
    : undefined
}

/** What the product uses of a FileHandle. */
class Handle {
  readonly fd: number
  readonly #observer: Observer

  constructor(fd: number, owner: Observer) {
    this.fd = fd
    this.#observer = owner
    owner.opened(fd)
  }

  async read(buffer: Uint8Array, offset: number, length: number, position: number) {
    await this.#observer.operation()
    this.#observer.reads(this.fd)
    return { bytesRead: real.readSync(this.fd, buffer, offset, length, position), buffer }
  }

  async stat(options?: fs.StatOptions) {
    await this.#observer.operation()
    return told(real.fstatSync(this.fd, options as never), this.#observer)
  }

  async close(): Promise<void> {
    await this.#observer.operation()
    if (!this.#observer.owns(this.fd)) return
    this.#observer.closed(this.fd)
    real.closeSync(this.fd)
  }
}

type Stats = fs.Stats | fs.BigIntStats

/** In a millisecond. */
const NS = 1_000_000n

/** The facts as the simulation tells them. */
function told<Facts extends Stats>(stats: Facts, owner: Observer): Facts {
  const { bornMs, changedMs } = owner.timesOf(BigInt(stats.ino))
  const ino = owner.inodeOf(BigInt(stats.ino))
  if (typeof stats.ino === 'number') {
    const times = { birthtimeMs: bornMs, mtimeMs: changedMs, ctimeMs: changedMs }
    return Object.assign(stats, { ino: Number(ino), ...times })
  }
  const [born, changed] = [BigInt(bornMs), BigInt(changedMs)]
  const ms = { birthtimeMs: born, mtimeMs: changed, ctimeMs: changed }
  const [bornNs, changedNs] = [born * NS, changed * NS]
  return Object.assign(stats, {
    ino,
    ...ms,
    birthtimeNs: bornNs,
    mtimeNs: changedNs,
    ctimeNs: changedNs,
  })
}

type Call = (...args: never[]) => unknown

/** Replaces a function of a module; `simulated` is called for what belongs to the simulation. */
function replace<Module extends object>(
  module: Module,
  name: keyof Module,
  simulated: (owner: Observer, original: Call, args: never[]) => unknown,
  ownerOf: (first: unknown) => Observer | undefined = observerOf,
): void {
  const original = module[name] as Call
  const replaced = (...args: never[]): unknown => {
    const owner = ownerOf(args[0])
    return owner === undefined ? original(...args) : simulated(owner, original, args)
  }
  Object.assign(module, { [name]: replaced })
}

const stats = (owner: Observer, original: Call, args: never[]): unknown => {
  owner.glimpse()
  const found = original(...args) as Stats | undefined
  return found && told(found, owner)
}

function replaceFileCalls(): void {
  replace(fs.promises, 'open', async (owner, _original, args) => {
    await owner.operation()
    return new Handle((real.openSync as Call)(...args) as number, owner)
  })
  replace(fs.promises, 'readdir', async (owner, _original, args) => {
    await owner.operation()
    return (real.readdirSync as Call)(...args)
  })
  replace(fs.promises, 'lstat', async (owner, _original, args) => {
    await owner.operation()
    return told((real.lstatSync as Call)(...args) as Stats, owner)
  })
  replace(fs, 'statSync', stats)
  replace(fs, 'lstatSync', stats)
  replace(fs, 'fstatSync', stats, (fd) => (observer?.owns(fd as number) ? observer : undefined))
  replace(fs, 'readdirSync', (owner, original, args) => {
    owner.glimpse()
    return original(...args)
  })
}

function replaceClocks(): void {
  const { now, elapsed } = real
  Date.now = () => observer?.nowMs() ?? now()
  performance.now = () => observer?.elapsedMs() ?? elapsed()
  // Slices of rendering: a turn of the loop between them would race with native reads.
  replace(
    timers,
    'setImmediate',
    (owner) => owner.operation(),
    () => observer,
  )
}

interface Addon {
  load(makeError: unknown): { Engine: new (options: unknown) => object }
}

/** Engines are made by the product; the addon that it loads is the one that is changed here. */
function replaceEngine(): void {
  const root = join(import.meta.dirname, '..', '..')
  const addon = createRequire(import.meta.url)('node-gyp-build')(root) as Addon
  const load = addon.load.bind(addon)
  addon.load = (makeError) => {
    const exports = load(makeError)
    const { Engine } = exports
    const observed = function observed(options: unknown): object {
      const engine = new Engine(options)
      return observer?.engine(engine) ?? engine
    }
    return { ...exports, Engine: observed as unknown as typeof Engine }
  }
}

/** Replaces everything, once, before the product is loaded. */
export function replaceSystem(): void {
  replaceFileCalls()
  replaceClocks()
  replaceEngine()
  syncBuiltinESMExports()
}
