// SIGHUP reads the configuration again: a good one is taken over between two commits, a bad one is
// refused while the agent runs on with the one before. Nothing is lost or doubled by either.

import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { line, sumsPerProject } from '../agent/bills.ts'
import {
  Command,
  type ConfigParts,
  configFile,
  configText,
  fileStream,
  linesOf,
  scratch,
  until,
} from '../agent/rig.ts'
import { meterFast, useCommand } from './command.ts'

useCommand()

const NOON_MS = Date.UTC(2026, 10, 2, 12)

/** An agent as a process, with the log and the configuration that it follows. */
class Scene {
  readonly running: Command
  readonly path: string
  readonly directory: string
  written = 0

  constructor(directory: string, path: string) {
    this.directory = directory
    this.path = path
    this.running = new Command('run', '-c', path)
  }

  static async make(parts: ConfigParts = {}): Promise<Scene> {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), '')
    writeFileSync(join(directory, 'other.log'), '')
    const scene = new Scene(directory, await configFile(directory, parts))
    await scene.told('following file/n1/access.log')
    return scene
  }

  /** A line of its own project in the log of that name. */
  write(name: string, project: string, atMs = NOON_MS): void {
    appendFileSync(join(this.directory, name), line(atMs, { project, sent: 10 }))
    this.written += 1
  }

  hangUp(parts: ConfigParts | string): void {
    writeFileSync(this.path, typeof parts === 'string' ? parts : configText(this.directory, parts))
    process.kill(this.running.pid, 'SIGHUP')
  }

  async told(words: string, times = 1): Promise<void> {
    await until(`"${words}" is told`, () => this.running.stderr.split(words).length > times)
  }

  async read(): Promise<void> {
    const state = join(this.directory, 'state')
    await until('all lines are read', async () => {
      const { stdout } = await meterFast(['status', '--state', state, '--json'])
      return stdout !== '' && JSON.parse(stdout).lines.read === `${this.written}`
    })
  }

  /** Sums of all events that were delivered, once the agent was stopped and all was closed. */
  async bill(...sinks: string[]): Promise<Record<string, bigint>> {
    expect(await this.running.end('SIGTERM')).toBe(0)
    const { code, stderr } = await meterFast(['run', '--once', '-c', this.path])
    expect(code, stderr).toBe(0)
    const texts = await Promise.all(sinks.map((name) => linesOf(join(this.directory, name))))
    return sumsPerProject(texts.flat())
  }
}

const BOTH = ['access.log', 'other.log']

describe('SIGHUP with a good configuration', () => {
  test('is taken over on the same state: new logs, another sink, and every line once', async () => {
    const scene = await Scene.make()
    for (let i = 0; i < 20; i += 1) scene.write('access.log', 'p-a', NOON_MS + i * 10_000)
    const files = BOTH.map((name) => join(scene.directory, name))
    const streams = [{ ...fileStream(scene.directory), files }]
    const sink = { type: 'file', path: join(scene.directory, 'second.ndjson') }
    scene.hangUp({ streams, sink })
    // Written while one run ends and the next one begins.
    for (let i = 0; i < 20; i += 1) scene.write('access.log', 'p-a', NOON_MS + 200_000 + i * 10_000)
    for (let i = 0; i < 5; i += 1) scene.write('other.log', 'p-b')
    await scene.told('the new configuration is in force')
    await scene.told('following file/n1/other.log')
    await scene.read()
    expect(await scene.bill('usage.ndjson', 'second.ndjson')).toEqual({
      'p-a egress-bytes': 400n,
      'p-a requests': 40n,
      'p-b egress-bytes': 50n,
      'p-b requests': 5n,
    })
    expect((await linesOf(join(scene.directory, 'second.ndjson'))).length).toBeGreaterThan(0)
  })

  test('may come as often as it likes', async () => {
    const scene = await Scene.make()
    for (let i = 0; i < 8; i += 1) {
      scene.write('access.log', 'p-a', NOON_MS + i * 60_000)
      scene.hangUp({ rest: { window: i % 2 === 0 ? '30s' : '60s' } })
    }
    await scene.told('the new configuration is in force')
    await scene.read()
    expect(scene.running.isOver).toBe(false)
    expect(await scene.bill('usage.ndjson')).toMatchObject({ 'p-a requests': 8n })
  })
})

describe('SIGHUP with a configuration that is refused', () => {
  const cases: readonly (readonly [
    string,
    (scene: Scene) => Promise<ConfigParts | string>,
    string,
  ])[] = [
    ['that is not valid', async () => ({ rest: { window: '7s' } }), 'does not divide one hour'],
    ['that is no YAML', async () => '{ streams: [', 'mend the YAML'],
    [
      'whose sink has nowhere to write',
      async ({ directory }) => ({ sink: { type: 'file', path: join(directory, 'no/such/x') } }),
      'sink.path',
    ],
    [
      'of another state',
      async ({ directory }) => ({
        rest: { state: { dir: join(directory, 'elsewhere'), reserve_bytes: '0B' } },
      }),
      'state.dir cannot change',
    ],
    [
      'whose address is taken',
      async () => ({ rest: { observe: { listen: `127.0.0.1:${await takenPort()}` } } }),
      'observe.listen',
    ],
    [
      'that the open totals stand against',
      async () => ({ rest: { dimensions: { region: { from: 'region' } } } }),
      'the open totals of stream file/n1/access.log are kept by the dimensions []',
    ],
  ]
  test.each(cases)('%s: it is told, and the agent runs on', async (_name, parts, why) => {
    const scene = await Scene.make()
    scene.write('access.log', 'p-a')
    await scene.read()
    scene.hangUp(await parts(scene))
    await scene.told('the new configuration is refused, the one before goes on')
    expect(scene.running.stderr).toContain(why)
    scene.write('access.log', 'p-a')
    await scene.read()
    expect(scene.running.isOver).toBe(false)
    expect(scene.running.stderr).not.toContain('is in force')
    // The file is mended: the next signal takes it over.
    scene.hangUp({ rest: { window: '30s' } })
    await scene.told('the new configuration is in force')
    expect(await scene.bill('usage.ndjson')).toMatchObject({ 'p-a requests': 2n })
  })
})

/** A port that somebody else listens at until the tests end. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1').unref()
  await until('it listens', () => server.listening)
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
