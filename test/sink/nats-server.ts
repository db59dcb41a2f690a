// A real nats-server with JetStream on loopback, in a directory of its own.
//
// The binary is what NATS_SERVER names, or `nats-server` of the PATH, or Debian's. CI must have
// one; elsewhere the tests that need it are left out.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { freePort } from './free-port.ts'

const BINARY = [process.env.NATS_SERVER, 'nats-server', '/usr/sbin/nats-server'].find(runs)
export const STREAM = 'usage'

/** Whether there is a server to test against. */
export function hasNatsServer(): boolean {
  if (BINARY === undefined && process.env.CI) throw new Error('install nats-server')
  return BINARY !== undefined
}

function runs(path: string | undefined): boolean {
  try {
    execFileSync(path ?? '', ['--version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

/** A message of the stream. */
export interface StoredMessage {
  readonly subject: string
  readonly id: string
  readonly text: string
}

interface ApiAnswer {
  readonly error?: { readonly description: string }
  readonly state?: {
    readonly messages: number
    readonly first_seq: number
    readonly last_seq: number
  }
  readonly message?: { readonly subject: string; readonly data: string; readonly hdrs?: string }
}

export class NatsServer {
  readonly #directory: string
  readonly #port: number
  readonly #connectOptions: object
  #process: ChildProcess | undefined
  #admin: NatsConnection | undefined

  private constructor(directory: string, port: number, connectOptions: object) {
    this.#directory = directory
    this.#port = port
    this.#connectOptions = connectOptions
  }

  /** Starts one; `extra` is added to its configuration. */
  static async start(extra = '', connectOptions: object = {}): Promise<NatsServer> {
    const directory = await mkdtemp(join(tmpdir(), 'meter-fast-nats-'))
    const server = new NatsServer(directory, await freePort(), connectOptions)
    const store = `jetstream { store_dir: ${JSON.stringify(directory)} }`
    const listen = `listen: "127.0.0.1:${server.#port}"`
    await writeFile(server.#config, `${listen}\n${store}\n${extra}\n`)
    await server.begin()
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get #config(): string {
    return join(this.#directory, 'nats.conf')
  }

  /** Starts the process again, with what it has stored. */
  async begin(): Promise<void> {
    this.#process = spawn(BINARY ?? '', ['-c', this.#config], { stdio: 'ignore' })
    const failed = once(this.#process, 'exit').then(() => {
      throw new Error('nats-server has ended')
    })
    failed.catch(() => undefined)
    await Promise.race([failed, this.#connectAdmin()])
  }

  /** Ends the process as a crash does. */
  async kill(): Promise<void> {
    await this.#admin?.close()
    const process = this.#process
    this.#process = undefined
    if (process === undefined) return
    const gone = once(process, 'exit')
    process.kill('SIGKILL')
    await gone
  }

  /** Stops answering without closing anything; `thaw` lets it go on. */
  async freeze(): Promise<void> {
    this.#process?.kill('SIGSTOP')
    const tasks = `/proc/${this.#process?.pid}/task`
    const isStopped = async (task: string) =>
      / [Tt] /.test(await readFile(join(tasks, task, 'stat'), 'utf8'))
    for (;;) {
      const stopped = await Promise.all((await readdir(tasks)).map(isStopped))
      if (stopped.every(Boolean)) return
      await delay(1)
    }
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async dispose(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true })
  }

  async createStream(config: object = {}): Promise<void> {
    const base = { name: STREAM, subjects: ['usage.>'], storage: 'file', num_replicas: 1 }
    await this.#api(`STREAM.CREATE.${STREAM}`, { ...base, ...config })
  }

  async updateStream(config: object): Promise<void> {
    const base = { name: STREAM, subjects: ['usage.>'], storage: 'file', num_replicas: 1 }
    await this.#api(`STREAM.UPDATE.${STREAM}`, { ...base, ...config })
  }

  async deleteStream(): Promise<void> {
    await this.#api(`STREAM.DELETE.${STREAM}`)
  }

  /** How many messages the stream holds. */
  async count(): Promise<number> {
    return (await this.#api(`STREAM.INFO.${STREAM}`)).state?.messages ?? 0
  }

  /** What the stream holds, in its order. */
  async messages(stream = STREAM): Promise<StoredMessage[]> {
    const { state } = await this.#api(`STREAM.INFO.${stream}`)
    const found: StoredMessage[] = []
    for (let seq = Math.max(1, state?.first_seq ?? 1); seq <= (state?.last_seq ?? 0); seq += 1) {
      const { message } = await this.#api(`STREAM.MSG.GET.${stream}`, { seq })
      if (message === undefined) continue
      const fields = Buffer.from(message.hdrs ?? '', 'base64').toString()
      const id = /^Nats-Msg-Id: (.*)\r$/m.exec(fields)?.[1] ?? ''
      const text = Buffer.from(message.data, 'base64').toString()
      found.push({ subject: message.subject, id, text })
    }
    return found
  }

  async #api(name: string, body?: object): Promise<ApiAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const message = await this.#admin?.request(`$JS.API.${name}`, text, { timeout: 10_000 })
    const answer = message?.json<ApiAnswer>() ?? {}
    if (answer.error) throw new Error(`${name}: ${answer.error.description}`)
    return answer
  }

  async #connectAdmin(): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const options = { servers: this.address, reconnect: false, ...this.#connectOptions }
        this.#admin = await connect(options)
        await this.#admin.request('$JS.API.INFO', '', { timeout: 1_000 })
        return
      } catch (error) {
        if (attempt === 400) throw error
        await delay(25)
      }
    }
  }
}
