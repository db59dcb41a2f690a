// A gateway node: Envoy with its upstream servers, whose output goes through the CRI into a pod's
// directory and whose other log is a plain file that is reopened. Containers come and go; every
// byte that was ever written is kept.

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { bootstrap } from '../e2e/bootstrap.ts'
import { type Envoy, installEnvoy, startEnvoy } from '../e2e/envoy.ts'
import { startUpstream, type Upstream } from '../e2e/upstream.ts'
import type { Dice } from '../reference/dice.ts'
import { CriWriter } from './cri-writer.ts'
import { KubeletRotation } from './kubelet.ts'

const NAMESPACE = 'datum-downstream-gateway'
const POD_UID = '0a1b2c3d-0000-4000-8000-000000000001'
export const SOURCE_ID = 'soak'
/** As many as the kubelet keeps by default. */
const FILES_MAX = 5

/** One stream, and all bytes that were written to it. */
export interface Written {
  readonly stream: string
  readonly envelope: 'cri' | 'raw'
  readonly bytes: Buffer
}

export class GatewayNode {
  readonly #directory: string
  readonly #dice: Dice
  readonly #binary: string
  readonly #upstream: Upstream
  readonly #plain: KubeletRotation
  #envoy: Envoy | undefined
  #cri: CriWriter | undefined
  #criRotation: KubeletRotation | undefined
  #attempt = -1
  #criDone = { lines: 0, parts: 0, rotations: 0, deleted: 0 }

  private constructor(directory: string, dice: Dice, binary: string, upstream: Upstream) {
    this.#directory = directory
    this.#dice = dice
    this.#binary = binary
    this.#upstream = upstream
    for (const name of ['log', 'copies']) mkdirSync(join(directory, name))
    // Envoy's output: a pipe, as a container's is. The third log is of no use here.
    execFileSync('mkfifo', [join(directory, 'log', 'datum-typed.log')])
    symlinkSync('/dev/null', join(directory, 'log', 'envoy-gateway.log'))
    this.#plain = new KubeletRotation(this.plainPath, FILES_MAX, {
      reopen: () => this.#reopenLogs(),
      onComplete: (path) => appendFileSync(this.#plainCopy, readFileSync(path)),
      pauseMs: () => dice.below(300),
    })
  }

  static async create(directory: string, dice: Dice): Promise<GatewayNode> {
    return new GatewayNode(directory, dice, await installEnvoy(), await startUpstream())
  }

  get plainPath(): string {
    return join(this.#directory, 'log', 'datum.log')
  }

  get podsRoot(): string {
    return join(this.#directory, 'pods')
  }

  get namespace(): string {
    return NAMESPACE
  }

  get figures() {
    const { lines, parts, rotations, deleted } = this.#criDone
    return {
      criLines: lines + (this.#cri?.lines ?? 0),
      criParts: parts + (this.#cri?.parts ?? 0),
      criRotations: rotations + (this.#criRotation?.rotations ?? 0),
      plainRotations: this.#plain.rotations,
      deletedFiles: deleted + (this.#criRotation?.deleted ?? 0) + this.#plain.deleted,
      containers: this.#attempt + 1,
    }
  }

  /** Starts the container's next attempt. */
  async start(): Promise<Envoy> {
    this.#attempt += 1
    const path = join(this.#podDirectory, `${this.#attempt}.log`)
    const writer = new CriWriter(path, join(this.#directory, 'copies', `cri-${this.#attempt}`))
    this.#cri = writer
    this.#criRotation = new KubeletRotation(path, FILES_MAX, {
      reopen: () => writer.reopen(),
      pauseMs: () => this.#dice.below(300),
    })
    const pipe = join(this.#directory, 'log', 'datum-typed.log')
    // Open for both: there is a reader before Envoy opens it, and no end while Envoy reopens it.
    const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
    const output = new Socket({ fd, readable: true, writable: false })
    output.on('data', (chunk) => writer.write(chunk as Buffer))
    const description = bootstrap(this.#upstream.ports, join(this.#directory, 'log'))
    const envoy = await startEnvoy(this.#binary, this.#directory, description)
    this.#envoy = envoy
    this.#closeOutput = () => output.destroy()
    return envoy
  }

  #closeOutput: () => void = () => undefined

  /** Ends the container: Envoy writes all that it holds, then its log gets no more. */
  async stop(): Promise<void> {
    await this.#envoy?.stop()
    this.#envoy = undefined
    // What is left in the pipe is read before the pipe is closed.
    let before = -1
    while (before !== (this.#cri?.bytes ?? 0)) {
      before = this.#cri?.bytes ?? 0
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    this.#closeOutput()
    this.#cri?.close()
    this.#criDone = { ...this.#criDone, ...this.#sumCri() }
    this.#cri = undefined
    this.#criRotation = undefined
  }

  async rotateCri(): Promise<void> {
    await this.#criRotation?.rotate()
  }

  async rotatePlain(): Promise<void> {
    if (this.#envoy !== undefined) await this.#plain.rotate()
  }

  async close(): Promise<void> {
    await this.#upstream.stop()
  }

  /** Every byte of every stream; the container must have been stopped. */
  written(): Written[] {
    const streams: Written[] = []
    for (let attempt = 0; attempt <= this.#attempt; attempt += 1) {
      const bytes = readFileSync(join(this.#directory, 'copies', `cri-${attempt}`))
      streams.push({ stream: `k8s/${POD_UID}/envoy/${attempt}`, envelope: 'cri', bytes })
    }
    const whole = `${this.#plainCopy}.whole`
    if (existsSync(this.#plainCopy)) copyFileSync(this.#plainCopy, whole)
    else rmSync(whole, { force: true })
    for (const path of this.#plain.files.filter((one) => !one.endsWith('.gz'))) {
      appendFileSync(whole, readFileSync(path))
    }
    const stream = `file/${SOURCE_ID}/datum.log`
    return [...streams, { stream, envelope: 'raw', bytes: readFileSync(whole) }]
  }

  get #podDirectory(): string {
    return join(this.podsRoot, `${NAMESPACE}_envoy-0_${POD_UID}`, 'envoy')
  }

  get #plainCopy(): string {
    return join(this.#directory, 'copies', 'plain')
  }

  #sumCri() {
    const { criLines, criParts, criRotations } = this.figures
    const deleted = this.#criDone.deleted + (this.#criRotation?.deleted ?? 0)
    return { lines: criLines, parts: criParts, rotations: criRotations, deleted }
  }

  async #reopenLogs(): Promise<void> {
    const admin = (await readFile(join(this.#directory, 'admin-address.txt'), 'utf8')).trim()
    await fetch(`http://${admin}/reopen_logs`, { method: 'POST' })
  }
}
