// Agents that have loaded and wait for their turn, at the gate before they first touch the state
// (fault.cc). They load with a lower priority, so that they take little away from the one that
// works.

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { until } from '../agent/rig.ts'
import { buildFaults, FaultyAgent } from './faulty-agent.ts'

const WAITING = 3

export class AgentQueue {
  readonly #directory: string
  readonly #library: string
  readonly #config: string
  readonly #waiting: { readonly agent: FaultyAgent; readonly gate: string }[] = []
  #started = 0

  /** Agents with this configuration; their gates are in the directory. */
  constructor(directory: string, config: string) {
    this.#directory = directory
    this.#library = buildFaults(directory)
    this.#config = config
    for (let index = 0; index < WAITING; index += 1) this.#add()
  }

  /** The next agent, let in. */
  async next(): Promise<FaultyAgent> {
    const first = this.#waiting.shift()
    if (first === undefined) throw new Error('the queue has ended')
    const { agent, gate } = first
    await until('an agent has loaded', () => agent.isOver || existsSync(`${gate}.reached`))
    hurry(agent.pid)
    writeFileSync(gate, '')
    this.#add()
    return agent
  }

  async end(): Promise<void> {
    const waiting = this.#waiting.splice(0)
    await Promise.all(waiting.map(({ agent }) => agent.end('SIGKILL')))
  }

  #add(): void {
    this.#started += 1
    const gate = join(this.#directory, `gate-${this.#started}`)
    const agent = new FaultyAgent(['run', '-c', this.#config], {
      library: this.#library,
      directory: this.#directory,
      gate,
      threads: 4,
      before: ['nice', '-n', '5'],
    })
    this.#waiting.push({ agent, gate })
  }
}

/** Gives a process its priority back, where that is allowed. */
function hurry(pid: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 0)
  } catch {
    // It stays slower than it could be, and less happens before it is killed.
  }
}
