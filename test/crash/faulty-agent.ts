// `meter-fast` as a process with a fault planted in its system calls (fault.cc), and what it did.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MAIN } from '../cli/build.ts'

const SOURCE = fileURLToPath(new URL('./fault.cc', import.meta.url))

/** Builds the library that plants faults; gives its path. */
export function buildFaults(directory: string): string {
  const library = join(directory, 'fault.so')
  const flags = ['-std=c++20', '-O1', '-fPIC', '-shared', '-Wall', '-Wextra', '-Werror']
  execFileSync(process.env['CXX'] ?? 'g++', [...flags, '-o', library, SOURCE])
  return library
}

export const SOCKET = 'socket'

export interface Fault {
  /** Below the agent's directory; a slash at its end is for all that is in it; or `socket`. */
  readonly path: string
  /** Which of the points of that path, from 1. */
  readonly at: number
  /**
   * `kill` in place of the call, `torn`: half of a write, or the whole call, and then the kill;
   * `short`: half of a write, which says so; else the call fails with this error.
   */
  readonly does: 'kill' | 'torn' | 'short' | 'EIO' | 'ENOSPC'
  /** From then on also at every point in this directory, named as a path is. */
  readonly onwards?: string
}

/** A call that changes a file or writes to a socket. */
export interface Point {
  readonly call: string
  readonly bytes: number
  /** As in a fault. */
  readonly path: string
  /** The fault happened here. */
  readonly hit: boolean
}

export interface AgentSetup {
  readonly library: string
  /** Files below it are points, and its points are logged there. */
  readonly directory: string
  readonly fault?: Fault | undefined
  /** It waits before its first point until this file is there, and makes `<gate>.reached`. */
  readonly gate?: string
  /** Threads that make calls on files: with one, the default here, runs differ less. */
  readonly threads?: number
  /** A command in front of node. */
  readonly before?: readonly string[]
}

/** One life of an agent. */
export class FaultyAgent {
  stderr = ''
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #log: string
  readonly #ended: Promise<number | string>
  #isOver = false

  constructor(args: readonly string[], setup: AgentSetup) {
    const { directory, before = [] } = setup
    this.#directory = directory
    this.#log = join(directory, `points-${nextLog++}.log`)
    // Set by env, so that what is in front of it is not disturbed.
    const preload = ['env', `LD_PRELOAD=${setup.library}`]
    const [program = '', ...rest] = [...before, ...preload, process.execPath, MAIN, ...args]
    this.#child = spawn(program, rest, {
      env: {
        PATH: process.env['PATH'],
        METER_FAST_OBSERVE_LOG_FORM: 'text',
        ...faultEnvironment(setup, this.#log),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#isOver = true
        resolve(code ?? signal ?? '')
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Its exit code, or the name of the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended
  }

  /** As `ended`; undefined when it still runs after `ms`. */
  async endedWithin(ms: number): Promise<number | string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ms)
    })
    try {
      return await Promise.race([this.#ended, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    this.#child.kill(signal)
    return this.#ended
  }

  /** The points that it has passed so far. */
  points(): Point[] {
    if (!existsSync(this.#log)) return []
    const lines = readFileSync(this.#log, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => {
      const [, mark, call = '', bytes, path = ''] = POINT.exec(line) ?? []
      return { call, bytes: Number(bytes), path: this.#named(path), hit: mark === '!' }
    })
  }

  #named(path: string): string {
    return path.startsWith('socket:') ? SOCKET : relative(this.#directory, path) || '.'
  }
}

let nextLog = 1
const POINT = /^(!?)(\w+) (\d+) (.*)$/

function faultEnvironment(setup: AgentSetup, log: string): Record<string, string> {
  const { directory, fault, gate, threads = 1 } = setup
  return {
    UV_THREADPOOL_SIZE: `${threads}`,
    FAULT_ROOT: directory,
    FAULT_LOG: log,
    ...(gate !== undefined && { FAULT_GATE: gate }),
    ...(fault && faultVariables(fault, directory)),
  }
}

function faultVariables(fault: Fault, directory: string): Record<string, string> {
  const { path, at, does, onwards } = fault
  const isError = does === 'EIO' || does === 'ENOSPC'
  return {
    FAULT_PATH: path === SOCKET ? `${SOCKET}:` : path === '.' ? directory : `${directory}/${path}`,
    FAULT_AT: `${at}`,
    FAULT_DO: isError ? `${constants.errno[does]}` : does,
    ...(onwards !== undefined && { FAULT_ONWARDS: `${directory}/${onwards}` }),
  }
}
