// `meter-fast` as a user runs it: a process with its standard streams and its exit code.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll } from 'vitest'
import { build, MAIN } from './build.ts'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** What comes on standard input; nothing by default. */
  readonly input?: Uint8Array | string
  /**
   * Added to an environment with PATH and logs for people only, so that no METER_FAST_* of a
   * machine gets in.
   */
  readonly env?: Readonly<Record<string, string>>
  /** A command in front of node, such as `setpriv`. */
  readonly before?: readonly string[]
  readonly nodeFlags?: readonly string[]
  /** Where standard output goes instead of into `stdout`. */
  readonly stdoutFd?: number
}

/** Runs `meter-fast` in the test's directory to its end. */
export async function meterFast(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const { input = '', env = {}, before = [], nodeFlags = [], stdoutFd } = options
  const [program = '', ...rest] = [...before, process.execPath, ...nodeFlags, MAIN, ...args]
  const child = spawn(program, rest, {
    cwd: directory,
    env: { PATH: process.env['PATH'], METER_FAST_OBSERVE_LOG_FORM: 'text', ...env },
    stdio: ['pipe', stdoutFd ?? 'pipe', 'pipe'],
  })
  // A command that ends before it has read its input is judged by its exit code.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  const [stdout, stderr, code] = await Promise.all([
    child.stdout ? buffer(child.stdout).then(String) : '',
    child.stderr ? text(child.stderr) : '',
    ended,
  ])
  return { code, stdout, stderr }
}

/** The lines that `scan --events` prints. */
export async function scanEvents(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { stdout } = await meterFast(['scan', '--events', ...args], { env })
  return stdout.split('\n').slice(0, -1)
}

let directory = ''

/** To be called once in a test file: a build, and a directory of its own for its files. */
export function useCommand(): void {
  beforeAll(async () => {
    await build()
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'meter-fast-cli-')))
  }, 120_000)
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
}

/** The whole path of a name in the test's directory. */
export function at(name: string): string {
  return join(directory, name)
}

/** Makes a file in the test's directory; gives its name, which the command finds. */
export function file(name: string, content: Uint8Array | string = ''): string {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), content)
  return name
}

/** One access-log line of the `datum` format; `changes` go over its keys. */
export function datumLine(changes: Readonly<Record<string, unknown>> = {}): string {
  const line = {
    project_name: 'p-abc',
    route_name: 'httproute/ns-6f1c/web/rule/0/match/0/*',
    bytes_sent: 1822,
    bytes_received: 11,
    duration: 2140,
    start_time: '2026-11-22T12:00:01.000Z',
    response_code: 200,
    ...changes,
  }
  return `${JSON.stringify(line)}\n`
}
