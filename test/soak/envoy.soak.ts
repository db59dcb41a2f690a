// Everything at once, for as long as `--minutes` says: a real Envoy under load, containers that
// come and go, logs rotated by the kubelet's rules, an agent that is killed at random, a sink
// behind a network that fails. In the end the gateway has what the logs' bytes say, to the unit.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Agent } from '../../src/agent.ts'
import { loadConfig } from '../../src/config/load.ts'
import { sumsPerProject, sumsPerWindow } from '../agent/bills.ts'
import { Command, scratch } from '../agent/rig.ts'
import { type FaultProxy, startFaultProxy } from '../chaos/fault-proxy.ts'
import { drawFault, drawStep } from '../chaos/random-faults.ts'
import { Dice } from '../reference/dice.ts'
import type { SlowOptions } from '../reference/options.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { type ScanReport, slowScan } from '../reference/slow-scan.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { AgentLives, bytesOf, type Sample, slope } from './agent-lives.ts'
import { GatewayNode, SOURCE_ID, type Written } from './gateway-node.ts'
import { Traffic } from './traffic.ts'

const setting = (name: string, otherwise: number) =>
  Number(process.env[`METER_FAST_SOAK_${name}`] ?? otherwise)
const MINUTES = setting('MINUTES', 5)
const SEED = setting('SEED', Math.floor(Math.random() * 1e9))
const RATE = setting('RATE', 80)
const WINDOW_MS = 10_000
const WARM_S = 120

/** Calls `work` again and again, with a pause drawn each time, until `stop`. */
class Repeat {
  readonly #end = new AbortController()
  readonly #done: Promise<void>

  constructor(pauseMs: () => number, work: () => Promise<void>) {
    this.#done = (async () => {
      while (!this.#end.signal.aborted) {
        const { signal } = this.#end
        await delay(pauseMs(), undefined, { signal }).catch(() => undefined)
        if (!this.#end.signal.aborted) await work()
      }
    })()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#done
  }
}

/** Quiet and troubled times of the sink, and times when nobody listens. */
function troubleSink(proxy: FaultProxy, gateway: TestGateway, dice: Dice): Repeat {
  const { port } = proxy
  return new Repeat(
    () => 5_000 + dice.below(15_000),
    async () => {
      if (dice.chance(0.2)) {
        await proxy.close()
        await delay(dice.below(8_000))
        await proxy.listen(port)
      }
      const share = dice.pick([0, 0, 0.2, 0.6])
      proxy.decide = () => {
        gateway.script = dice.chance(share / 3) ? [drawStep(dice)] : []
        const fault = dice.chance(share) ? drawFault(dice) : { do: 'pass' as const }
        return fault.do === 'black-hole' ? { ...fault, forMs: 3_000 } : fault
      }
    },
  )
}

function writeConfig(directory: string, node: GatewayNode, url: string): string {
  const path = join(directory, 'meter-fast.yaml')
  const config = {
    window: `${WINDOW_MS / 1000}s`,
    streams: [
      {
        kubernetes: { namespaces: [node.namespace], containers: ['envoy'] },
        root: node.podsRoot,
        format: 'datum',
      },
      { files: [node.plainPath], source_id: SOURCE_ID, envelope: 'raw', format: 'datum' },
    ],
    state: { dir: join(directory, 'state'), reserve_bytes: '1MiB' },
    sink: { type: 'milo-gateway', url },
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

const optionsOf = ({ stream, envelope }: Written): SlowOptions => ({
  ...{ stream, envelope, format: 'datum', windowMs: WINDOW_MS },
})

/** Lines by outcome over all streams, as an agent counts them. */
function linesOf(reports: readonly ScanReport[]) {
  const sum = (name: 'ignored' | 'unattributed' | 'quarantined') => {
    const counts: Record<string, number> = {}
    for (const { lines } of reports) {
      for (const [reason, n] of Object.entries(lines[name]))
        counts[reason] = (counts[reason] ?? 0) + n
    }
    return counts
  }
  const all = (name: 'read' | 'metered' | 'lenient') =>
    reports.reduce((total, { lines }) => total + lines[name], 0)
  return {
    ...{ read: all('read'), metered: all('metered'), lenient: all('lenient') },
    ...{ ignored: sum('ignored'), unattributed: sum('unattributed') },
    quarantined: sum('quarantined'),
  }
}

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? Number(one) : one)))

function flatness(samples: readonly Sample[]) {
  const oldest = samples.reduce((old, one) => (one.ageS > old.ageS ? one : old), {
    ageS: 0,
    life: 0,
  })
  // One process, once it has warmed up: what others use says nothing about a leak.
  const settled = samples.filter(
    ({ ageS, life }) => life === oldest.life && ageS >= Math.min(WARM_S, oldest.ageS / 2),
  )
  const perHour = (of: (sample: Sample) => number) => Number((60 * slope(settled, of)).toFixed(2))
  const top = (of: (sample: Sample) => number) => Math.max(0, ...samples.map(of))
  return {
    oldestLifeS: Math.round(oldest.ageS),
    samples: settled.length,
    rssMibMax: Math.round(top(({ rssMib }) => rssMib)),
    anonymousMibMax: Math.round(top(({ anonymousMib }) => anonymousMib)),
    fdsMax: top(({ fds }) => fds),
    anonymousMibPerHour: perHour(({ anonymousMib }) => anonymousMib),
    fdsPerHour: perHour(({ fds }) => fds),
    stateMibPerHour: perHour(({ stateMib }) => stateMib),
  }
}

/** `verify` on what is left of the logs; undefined in a version that does not have it. */
async function verify(state: string, node: GatewayNode): Promise<string | undefined> {
  const help = new Command('--help')
  await help.ended
  if (!/^ +verify /m.test(help.stdout + help.stderr)) return undefined
  const logs = [`${node.podsRoot}/*/*/*.log*`, `${node.plainPath}*`]
  const args = logs.flatMap((glob) => ['--logs', glob])
  const command = new Command('verify', '--state', state, ...args)
  expect(await command.ended, command.stdout + command.stderr).toBe(0)
  return command.stdout.trim().split('\n').at(-1)
}

test(`${MINUTES} minutes of everything: received is what the logs say`, async () => {
  console.log(`soak: ${MINUTES} minutes, --seed ${SEED}, ${RATE} requests a second`)
  const dice = new Dice(SEED)
  const directory = await scratch()
  mkdirSync(join(directory, 'node'))
  const gateway = await startGateway()
  gateway.keepsRequests = false
  const proxy = await startFaultProxy(gateway.port)
  const node = await GatewayNode.create(join(directory, 'node'), new Dice(SEED + 1))
  const configPath = writeConfig(directory, node, proxy.url)
  const state = join(directory, 'state')
  const traffic = new Traffic(new Dice(SEED + 2), RATE)
  traffic.use(await node.start())
  const lives = new AgentLives(configPath, state, new Dice(SEED + 3), MINUTES)
  const living = lives.run()
  living.catch(() => undefined)
  const driving = traffic.run()
  // A rotation and a new container must not fall into each other.
  let untilNewContainer = 10 + dice.below(10)
  const work = new Repeat(
    () => 4_000 + dice.below(6_000),
    async () => {
      untilNewContainer -= 1
      if (untilNewContainer === 0) {
        untilNewContainer = 10 + dice.below(40)
        traffic.use(undefined)
        await node.stop()
        traffic.use(await node.start())
      } else if (dice.chance(0.5)) await node.rotateCri()
      else await node.rotatePlain()
    },
  )
  const trouble = troubleSink(proxy, gateway, new Dice(SEED + 4))
  const faults: Record<string, number> = {}
  const figures = () => {
    for (const { fault } of proxy.exchanges.splice(0)) faults[fault] = (faults[fault] ?? 0) + 1
    const { rssMib = 0, fds = 0, stateMib = 0 } = lives.samples.at(-1) ?? {}
    return {
      requests: traffic.sent,
      ...{ held: traffic.held, ...node.figures, kills: lives.kills, terms: lives.terms },
      ...{ events: gateway.stored.size, resent: gateway.duplicates },
      ...{ rssMib: Math.round(rssMib), fds, stateMib: Number(stateMib.toFixed(1)) },
      logMib: Math.round(bytesOf(join(directory, 'node', 'log')) / 1024 / 1024),
    }
  }
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    await Promise.race([delay(60_000), living])
    console.log(`minute ${minute}: ${JSON.stringify(figures())}`)
  }

  await work.stop()
  await trouble.stop()
  await traffic.stop()
  await node.stop()
  lives.stop()
  await living
  await driving
  proxy.decide = () => ({ do: 'pass' })
  gateway.script = []
  const last = new Command('run', '--once', '-c', configPath)
  expect(await last.ended, last.stderr).toBe(0)
  const report = await new Agent(loadConfig(configPath, { env: {}, once: true }), {
    once: true,
  }).run(new AbortController().signal)

  const written = node.written()
  const events = written.flatMap((one) => slowEvents([one.bytes], optionsOf(one)))
  const scans = written.map((one) => slowScan([one.bytes], optionsOf(one)))
  const wanted = sumsPerWindow(events)
  const received = sumsPerWindow(gateway.published)
  const verified = await verify(state, node)
  const summary = {
    ...{ minutes: MINUTES, seed: SEED, ...figures(), faults, faultsTold: lives.faultsTold },
    logBytes: written.reduce((sum, { bytes }) => sum + bytes.length, 0),
    lines: plain(report?.lines),
    bill: plain(sumsPerProject(gateway.published)),
    windowsAndMeters: Object.keys(wanted).length,
    flatness: flatness(lives.samples),
    verify: verified ?? 'not in this version',
    alarms: lives.alarms.slice(0, 5),
  }
  console.log(JSON.stringify(summary))
  expect(gateway.changed).toEqual([])
  expect(received).toEqual(wanted)
  expect(plain(report?.lines)).toEqual(linesOf(scans))
  expect(report?.spool).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
  expect(lives.alarms).toEqual([])
  await node.close()
  await proxy.close()
  await gateway.close()
})
