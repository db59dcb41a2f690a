// The disk of the state. What is committed outlives the agent; a commit is whole or not there,
// whenever the agent dies; writes fail when the sequence says so. The values lie in memory, or in
// the product's own store on a real file system, which a part of the sequences uses.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentParts } from '../../src/agent/run.ts'
import { LmdbBackend } from '../../src/durable/lmdb-backend.ts'
import { MemoryBackend } from '../../src/durable/memory-backend.ts'
import { type Backend, type Changes, StagedStore } from '../../src/durable/staged-store.ts'
import { crc32c } from '../../src/native.ts'
import { type Life, never } from './life.ts'
import type { Simulation } from './simulation.ts'
import { real } from './system.ts'

/** What AgentRun takes for its reserve on the disk. */
type Reserve = NonNullable<AgentParts['reserve']>

export class StateDisk {
  state: 'works' | 'fails-once' | 'full' = 'works'
  /** How often a commit failed. */
  failures = 0
  commits = 0
  /** Told of every commit, when it is durable. */
  onCommit: (changes: Changes, life: Life) => void = () => undefined
  readonly #simulation: Simulation
  readonly #memory: MemoryBackend | undefined
  readonly directory: string
  #backend: Backend | undefined
  #picture: StagedStore | undefined

  constructor(simulation: Simulation, isReal: boolean) {
    this.#simulation = simulation
    this.#memory = isReal ? undefined : new MemoryBackend()
    this.directory = join(simulation.directory, 'state')
    real.mkdirSync(this.directory, { recursive: true })
  }

  /** The state as the last commit left it. Only while a store is open. */
  get picture(): StagedStore {
    if (this.#picture === undefined) throw new Error('no store is open')
    return this.#picture
  }

  get isEmpty(): boolean {
    return this.commits === 0
  }

  /** The store that one life of the agent opens. */
  open(life: Life): StagedStore {
    const inner = this.#memory ?? this.#openLmdb()
    this.#backend = inner
    this.#picture = new StagedStore(inner)
    const { path } = inner
    return new StagedStore({
      path,
      encode: (key, bytes) => inner.encode(key, bytes),
      decode: (key, stored) => inner.decode(key, stored),
      get: (key) => inner.get(key),
      range: (prefix) => inner.range(prefix),
      write: (changes) => this.#write(inner, changes, life),
      // The kernel closes the files of a dead process; what is open here is closed by `close`.
      close: async () => undefined,
    })
  }

  #openLmdb(): Backend {
    const path = join(this.directory, 'state.mdb')
    const isNew = !existsSync(path)
    if (isNew) this.commits = 0
    return new LmdbBackend(path, { crc32c }, { readOnly: false, afterClose: () => undefined })
  }

  /**
   * The space that is kept for a full disk: while it is held, every commit fails then; once it is
   * given up, there is room for what must be committed.
   */
  readonly reserve = {
    isHeld: true,
    take: (): boolean => {
      this.reserve.isHeld = this.state !== 'full'
      return this.reserve.isHeld
    },
    isFull: (): boolean => this.state === 'full',
    give: (): void => {
      this.reserve.isHeld = false
    },
  }

  get reservePart(): Reserve {
    return this.reserve as unknown as Reserve
  }

  /** After the end of a life, however it ended. */
  async close(): Promise<void> {
    const backend = this.#backend
    this.#backend = undefined
    if (this.#memory === undefined) await backend?.close()
  }

  async #write(inner: Backend, changes: Changes, life: Life): Promise<void> {
    if (!life.survives()) await never()
    this.#simulation.glimpse()
    if (this.state === 'fails-once' || (this.state === 'full' && this.reserve.isHeld)) {
      this.failures += 1
      life.hasFailed = true
      if (this.state === 'fails-once') this.state = 'works'
      throw new Error('Input/output error')
    }
    life.reads += 1
    await inner.write(changes)
    life.reads -= 1
    this.commits += 1
    this.onCommit(changes, life)
    if (!life.survives()) await never()
  }
}
