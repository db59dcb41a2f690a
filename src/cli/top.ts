// `meter-fast top`: the state as it changes, for people. On a terminal a frame a second on the
// alternate screen, until q or Ctrl-C; with --once, or into a pipe, one frame.
//
// Whatever ends it, the terminal is as before: the screen, the cursor and the keyboard are given
// back also when the process exits for another reason.

import { setTimeout as delay } from 'node:timers/promises'
import type { ReadStream } from 'node:tty'
import { type LivePicture, LiveState } from '../agent/live.ts'
import { loadConfig } from '../config/load.ts'
import { MeterFastError } from '../errors.ts'
import { wrapped } from './cells.ts'
import { type CommandIo, readFlags, usage, visible, write } from './command.ts'
import { type Display, displayOf } from './display.ts'
import { TOP_FLAGS } from './flags.ts'
import { frameLines } from './top-frame.ts'
import { COMMIT_PAUSE_MS_MAX, RateMeter } from './top-rates.ts'

const FRAME_INTERVAL_MS = 1000
/** Rates of a single frame are measured over this at least. */
const ONCE_SPAN_MS = 2000
/** A state that takes long to read is read less often, so that a look costs the machine little. */
const REST_PER_WORK = 4

const SCREEN_ON = '\u001B[?1049h\u001B[?25l'
const SCREEN_OFF = '\u001B[?25h\u001B[?1049l'
const HOME = '\u001B[H'
const LINE_REST_OFF = '\u001B[K'
const BELOW_OFF = '\u001B[J'
const [CTRL_C, CTRL_D] = ['\u0003', '\u0004']

/** @returns the exit code */
export async function top(args: string[], io: CommandIo): Promise<number> {
  const { texts, given, positionals } = readFlags('top', TOP_FLAGS, args, io.env)
  if (positionals.length > 0) throw usage('top', `it takes no argument "${positionals[0]}"`)
  const directory = texts.state ?? directoryOf(texts.config, io)
  const view = new View(directory)
  const isLive = (io.stdout as { isTTY?: boolean }).isTTY === true && !given.has('once')
  if (isLive) await watch(view, io)
  else await printOnce(view, io)
  return 0
}

function directoryOf(config: string | undefined, io: CommandIo): string {
  if (!config) throw usage('top', 'name the state directory: --state DIR, or -c FILE')
  return loadConfig(config, { env: io.env }).state.dir
}

interface Look {
  readonly picture: LivePicture
  readonly lines: (display: Display) => string[]
}

/** What is looked at, and the rates since the first look. */
class View {
  readonly #directory: string
  readonly #live: LiveState
  readonly #rates = new RateMeter()

  constructor(directory: string) {
    this.#directory = directory
    this.#live = new LiveState(directory)
  }

  async look(): Promise<Look> {
    const picture = await this.#live.read()
    const rates = this.#rates.add(picture)
    return { picture, lines: (display) => frameLines(this.#directory, picture, rates, display) }
  }
}

/** Waits for a commit, unless nothing has come for so long that none is to be expected. */
async function printOnce(view: View, io: CommandIo): Promise<void> {
  let look = await view.look()
  const { commits, committedAtMs, agentPid } = look.picture
  const untilMs = Math.max(Date.now(), committedAtMs + COMMIT_PAUSE_MS_MAX) + ONCE_SPAN_MS
  const isToChange = () => look.picture.commits === commits && Date.now() < untilMs
  for (let first = true; agentPid !== null && (first || isToChange()); first = false) {
    if (io.signal.aborted) return
    await delay(ONCE_SPAN_MS, undefined, { signal: io.signal }).catch(() => undefined)
    look = await view.look()
  }
  const lines = look.lines(displayOf(io.stdout, io.env))
  await write(io.stdout, `${lines.join('\n')}\n`)
}

async function watch(view: View, io: CommandIo): Promise<void> {
  // Without a state there is nothing to watch, and an error on another screen is soon gone.
  let { lines } = await view.look()
  const screen = new Screen(io)
  try {
    while (!screen.isLeft) {
      screen.draw(lines)
      await screen.wait(FRAME_INTERVAL_MS)
      if (screen.isLeft) return
      const startedAtMs = performance.now()
      lines = await linesOrProblem(view)
      const tookMs = performance.now() - startedAtMs
      await screen.wait(tookMs * REST_PER_WORK - FRAME_INTERVAL_MS)
    }
  } finally {
    screen.close()
  }
}

/** A state that cannot be read just now is told on the screen, and tried again. */
async function linesOrProblem(view: View): Promise<Look['lines']> {
  try {
    return (await view.look()).lines
  } catch (error) {
    if (!(error instanceof MeterFastError)) throw error
    const text = visible(`${error.code}: ${error.message}`)
    return ({ columns }) => wrapped(text, columns)
  }
}

/** The alternate screen of the terminal, and the keys that leave it. */
class Screen {
  isLeft = false
  readonly #io: CommandIo
  readonly #left = new AbortController()
  #lines: ((display: Display) => string[]) | undefined

  constructor(io: CommandIo) {
    this.#io = io
    process.once('exit', this.#restore)
    io.signal.addEventListener('abort', this.#leave)
    io.stdout.on('resize', this.#redraw)
    this.#keyboard?.setRawMode(true)
    this.#keyboard?.on('data', this.#pressed).resume()
    io.stdout.write(SCREEN_ON)
    if (io.signal.aborted) this.#leave()
  }

  draw(lines: (display: Display) => string[]): void {
    this.#lines = lines
    this.#redraw()
  }

  async wait(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#left.signal }).catch(() => undefined)
  }

  close(): void {
    const { signal, stdout } = this.#io
    signal.removeEventListener('abort', this.#leave)
    stdout.off('resize', this.#redraw)
    this.#keyboard?.off('data', this.#pressed).pause()
    process.off('exit', this.#restore)
    this.#restore()
  }

  /** Undefined where the keyboard is not the standard input. */
  get #keyboard(): ReadStream | undefined {
    const stdin = this.#io.stdin as ReadStream
    return stdin.isTTY ? stdin : undefined
  }

  readonly #redraw = (): void => {
    const { stdout, env } = this.#io
    const lines = this.#lines?.(displayOf(stdout, env)) ?? []
    const text = lines.map((line) => line + LINE_REST_OFF).join('\n')
    stdout.write(HOME + text + BELOW_OFF)
  }

  readonly #pressed = (keys: Buffer | string): void => {
    if ([...String(keys)].some((key) => ['q', 'Q', CTRL_C, CTRL_D].includes(key))) this.#leave()
  }

  readonly #leave = (): void => {
    this.isLeft = true
    this.#left.abort()
  }

  readonly #restore = (): void => {
    this.#keyboard?.setRawMode(false)
    this.#io.stdout.write(SCREEN_OFF)
  }
}
