// Runs one program in a process of its own and says what it printed and what it used. CPU time
// counts all its threads, from the start of the process to its end.

import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

export interface Usage {
  readonly cpuMs: number
  /** Since the process started. */
  readonly wallMs: number
  /** Null for programs that are not Node's. */
  readonly peakRssBytes: number | null
}

export interface ChildResult {
  readonly stdout: string
  readonly usage: Usage
}

/** `./usage-hook.ts` after the build: this module runs from dist/bench only. */
const HOOK = new URL('./usage-hook.js', import.meta.url).href

/** Bash knows what a child used to the millisecond, and prints it as JSON. */
const TIMED = ['TIMEFORMAT=\'[%R,%U,%S]\'; { time "$@" 2>&4; } 4>&2 2>&3', 'bash']

/**
 * @param command `node` and its arguments, or another program and its own.
 * @throws {Error} when the program ends with another exit code than 0; the message has its stderr.
 */
export async function runMeasured(command: readonly [string, ...string[]]): Promise<ChildResult> {
  const [program, ...args] = command
  const isNode = program === 'node'
  const [file, given] = isNode
    ? [process.execPath, ['--import', HOOK, ...args]]
    : ['bash', ['-c', ...TIMED, ...command]]
  const child = spawn(file, given, {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr, usage, exitCode] = await Promise.all([
    readAll(child.stdio[1] as Readable),
    readAll(child.stdio[2] as Readable),
    readAll(child.stdio[3] as Readable),
    ended,
  ])
  if (exitCode !== 0) {
    throw new Error(`"${command.join(' ')}" ended with ${exitCode}: ${stderr.trim()}`)
  }
  return { stdout, usage: isNode ? (JSON.parse(usage) as Usage) : usageOf(JSON.parse(usage)) }
}

function usageOf([wall = 0, user = 0, system = 0]: readonly number[]): Usage {
  return { wallMs: 1000 * wall, cpuMs: 1000 * (user + system), peakRssBytes: null }
}

/** Settings of the caller's environment must not change what is measured. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('METER_FAST_')),
  )
}

async function readAll(stream: Readable): Promise<string> {
  let text = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) text += chunk
  return text
}
