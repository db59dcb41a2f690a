// The product as a user runs it: `scan --json`, and `run --once` with a file as its sink.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ScanOutput } from './log-sum.ts'
import type { LogFormat } from './routes.ts'
import type { Total } from './truth.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

async function meterFast(args: readonly string[]): Promise<string> {
  if (!existsSync(MAIN)) throw new Error('dist/cli/main.js is missing: run "npm run build" first')
  const options = { maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], options)
  return stdout
}

/** `meter-fast scan --json` of one file. */
export async function scan(format: LogFormat, file: string): Promise<ScanOutput> {
  return JSON.parse(await meterFast(['scan', '--json', '--format', format.preset, file]))
}

/** A usage event, as far as a bill reads it. */
export interface UsageEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data: { readonly value: string; readonly dimensions?: Readonly<Record<string, string>> }
}

/** An agent that reads `file`; its configuration, state and sink are files in `dir`. */
export class OneShotAgent {
  readonly #configFile: string
  readonly #sinkFile: string

  private constructor(configFile: string, sinkFile: string) {
    this.#configFile = configFile
    this.#sinkFile = sinkFile
  }

  static async create(dir: string, format: LogFormat, file: string): Promise<OneShotAgent> {
    await mkdir(dir, { recursive: true })
    const configFile = join(dir, 'config.yaml')
    const sinkFile = join(dir, 'usage.ndjson')
    const stream = { files: [file], source_id: 'e2e', envelope: 'raw', format: format.preset }
    const config = {
      streams: [stream],
      sink: { type: 'file', path: sinkFile },
      state: { dir: join(dir, 'state') },
    }
    // JSON is YAML.
    await writeFile(configFile, JSON.stringify(config, null, 2))
    return new OneShotAgent(configFile, sinkFile)
  }

  /** Runs `meter-fast run --once`; returns every event that the sink has by then. */
  async run(): Promise<UsageEvent[]> {
    await meterFast(['run', '--once', '-c', this.#configFile])
    const lines = (await readFile(this.#sinkFile, 'utf8')).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as UsageEvent)
  }
}

/** Sums by what an event tells: the project, the HTTPRoute if there is one, and the meter. */
export type Bill = Readonly<Record<string, bigint>>

function addTo(bill: Record<string, bigint>, key: readonly string[], value: bigint): void {
  if (value > 0n) bill[key.join(' ')] = (bill[key.join(' ')] ?? 0n) + value
}

/** The bill that events make. */
export function billOfEvents(events: readonly UsageEvent[]): Bill {
  const bill: Record<string, bigint> = {}
  for (const { subject, type, data } of events) {
    const { httproute_namespace: namespace = '', httproute_name: name = '' } = data.dimensions ?? {}
    const meter = type.slice(type.lastIndexOf('/') + 1)
    addTo(bill, [subject, `${namespace}/${name}`, meter], BigInt(data.value))
  }
  return bill
}

/** The bill that totals make; seconds are floored once per key, as one stream's carry does. */
export function billOfTotals(totals: readonly Total[]): Bill {
  const bill: Record<string, bigint> = {}
  for (const { project, route, ...amounts } of totals) {
    // Usage without an HTTPRoute is told apart by the project alone: the built-in catalog need not
    // declare dimensions for other kinds.
    const place = route?.kind === 'HTTPRoute' ? `${route.namespace}/${route.name}` : '/'
    const key = [`projects/${project}`, place]
    addTo(bill, [...key, 'requests'], BigInt(amounts.requests))
    addTo(bill, [...key, 'egress-bytes'], BigInt(amounts.egressBytes))
    addTo(bill, [...key, 'ingress-bytes'], BigInt(amounts.ingressBytes))
    addTo(bill, [...key, 'connection-seconds'], BigInt(amounts.connectionMs) / 1000n)
  }
  return bill
}
