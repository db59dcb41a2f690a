// `meter-fast demo`, also `npm start`: the whole path without any server. A log is written and
// rotated; the real agent, in a process of its own, follows it, is killed once and started again,
// and delivers to a receiver on loopback that deduplicates by id. At the end what was written, what
// is in the log files and what was received are compared, to the unit.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent } from '../agent.ts'
import { loadConfig } from '../config/load.ts'
import { isStandalone } from '../embedded.ts'
import { detectFormat } from '../meter/format.ts'
import { Meter } from '../meter.ts'
import { type CommandIo, readFlags, write } from './command.ts'
import { fileBytes, liveLines, RotatingLog, syntheticLog } from './demo-log.ts'
import { DemoReceiver } from './demo-receiver.ts'
import { compare, type Usage, usageOf } from './demo-report.ts'
import { displayOf } from './display.ts'
import { grouped } from './quantities.ts'
import { feedInput, findInputs, lookAt, type ScanInput } from './scan-inputs.ts'
import { ScanTotals } from './scan-report.ts'

const LINES_PER_SECOND = 20_000
const SECONDS = 6
const KILL_AFTER_MS = 3000

/** @returns the exit code: 0 when written = metered = received */
export async function demo(args: string[], io: CommandIo): Promise<number> {
  const { positionals } = readFlags('demo', {}, args, io.env)
  const inputs = await findInputs(positionals, io.stdin)
  const directory = await mkdtemp(join(tmpdir(), 'meter-fast-demo-'))
  const receiver = new DemoReceiver()
  try {
    return await run(directory, receiver, inputs, io)
  } finally {
    receiver.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function run(
  directory: string,
  receiver: DemoReceiver,
  inputs: readonly ScanInput[],
  io: CommandIo,
): Promise<number> {
  const say = (text: string) => io.stderr(`${text}\n`)
  const format = inputs.length > 0 ? await presetOf(inputs) : 'datum'
  const url = await receiver.listen()
  const configPath = join(directory, 'meter-fast.yaml')
  await writeFile(configPath, configText(directory, url, format))
  const log = new RotatingLog(directory)
  const synthetic = inputs.length > 0 ? undefined : syntheticLog(LINES_PER_SECOND)
  say(`log       ${log.path}, rotated every second`)
  say(`agent     meter-fast run -c ${configPath}`)
  say(`receiver  ${url}, deduplicates by id`)
  const agent = new KilledAgent(configPath, io.signal, say)
  agent.start()
  const source = synthetic ? liveLines(LINES_PER_SECOND, SECONDS, synthetic) : fileBytes(inputs)
  let shownAtMs = Date.now()
  for await (const chunk of source) {
    if (io.signal.aborted) break
    await log.write(chunk)
    await agent.killOnce()
    if (Date.now() - shownAtMs < 1000) continue
    shownAtMs = Date.now()
    say(progressText(log, receiver))
  }
  await log.close()
  await delay(500)
  await agent.stop()
  say('agent     stopped by SIGTERM; the last windows are closed by "run --once"')
  await new Agent(loadConfig(configPath, { env: {}, once: true }), { once: true }).run(io.signal)
  const metered = await scanFiles(log.paths, format, io)
  const written = synthetic
    ? usageOf((synthetic.truth.report(log.bytes) as { totals: Usage[] }).totals)
    : await scanFiles(inputs, format, io)
  say(`${progressText(log, receiver)}, ${receiver.duplicates} events came twice\n`)
  const { text, equal } = compare(written, metered, receiver.projects, displayOf(io.stdout, io.env))
  await write(io.stdout, text)
  return equal ? 0 : 1
}

/** The agent in a process of its own, killed once while it works. */
class KilledAgent {
  readonly #configPath: string
  readonly #signal: AbortSignal
  readonly #say: (text: string) => void
  readonly #startedAtMs = Date.now()
  #child: ChildProcess | undefined
  #killed = false

  constructor(configPath: string, signal: AbortSignal, say: (text: string) => void) {
    this.#configPath = configPath
    this.#signal = signal
    this.#say = say
  }

  start(): void {
    const script = isStandalone ? [] : [fileURLToPath(new URL('./main.js', import.meta.url))]
    const args = [...script, 'run', '-c', this.#configPath]
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.resume()
  }

  async killOnce(): Promise<void> {
    if (this.#killed || Date.now() - this.#startedAtMs < KILL_AFTER_MS) return
    this.#killed = true
    await this.#end('SIGKILL')
    this.#say('agent     killed by SIGKILL, started again')
    this.start()
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(this.#signal.aborted ? 'SIGTERM' : signal)
    await exited
  }
}

function progressText(log: RotatingLog, receiver: DemoReceiver): string {
  const megabytes = (log.bytes / 1e6).toFixed(1)
  const events = grouped(receiver.events)
  return `          ${megabytes} MB written, ${log.rotations} rotations, ${events} events received`
}

async function presetOf(inputs: readonly ScanInput[]): Promise<string> {
  const { preset } = await detectFormat(inputs.map(lookAt))
  return preset ?? 'datum'
}

async function scanFiles(
  files: readonly (string | ScanInput)[],
  format: string,
  io: CommandIo,
): Promise<Map<string, Record<string, bigint>>> {
  const paths = files.map((file) => (typeof file === 'string' ? file : file.path))
  const totals = new ScanTotals()
  using meter = new Meter({ stream: 'demo', format, totalsOnly: true })
  for (const input of await findInputs(paths, io.stdin)) {
    await feedInput(meter, input, async () => {
      for (const segment of meter.take()) totals.add(segment)
    })
  }
  meter.end()
  for (const segment of meter.take()) totals.add(segment)
  return usageOf(totals.rows())
}

function configText(directory: string, url: string, format: string): string {
  return `window: 1s
streams:
  - files: [${JSON.stringify(join(directory, 'access.log'))}]
    source_id: demo
    format: ${format}
state: { dir: ${JSON.stringify(join(directory, 'state'))} }
sink: { type: milo-gateway, url: ${JSON.stringify(url)} }
on_missing_state: backfill
`
}
