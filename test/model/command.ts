// The command of the model test: as many sequences as asked for, on as many processes as there are
// cores. It prints how many held and how long it took; a sequence that does not hold is made small
// first, so that it can be pasted into regressions.ts.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const RUN = new URL('run.mjs', import.meta.url).pathname
/** Sequences of one process: after them it ends, with everything that it may have kept. */
const SHARE_MAX = 5_000
/** Sequences after which it says that it goes on. */
const TOLD_EVERY = 1_000
/** Failures after which the rest is not tried. */
const FAILURES_MAX = 5

/** What a worker tells. */
export type News =
  | {
      readonly kind: 'held'
      readonly lives: number
      readonly commits: number
      readonly events: number
    }
  | { readonly kind: 'broken'; readonly text: string }

interface Totals {
  sequences: number
  lives: number
  commits: number
  events: number
  readonly broken: string[]
}

/** Resolves to the exit code. */
async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      sequences: { type: 'string', default: '12000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      first: { type: 'boolean', default: false },
    },
  })
  const [sequences, seed, workers] = [values.sequences, values.seed, values.workers].map(Number)
  if (!Number.isSafeInteger(sequences) || !Number.isSafeInteger(seed) || !workers) {
    process.stderr.write('--sequences, --seed and --workers take whole numbers\n')
    return 64
  }
  const range = { seed: seed as number, count: sequences as number }
  const scratch = mkdtempSync(join(scratchRoot(), 'meter-fast-model-'))
  try {
    return await new Command(scratch, values.first).run(range, workers)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Memory, where there is such a place: the model test makes many thousands of small files. */
function scratchRoot(): string {
  const memory = '/dev/shm'
  try {
    rmSync(mkdtempSync(join(memory, 'meter-fast-')), { recursive: true })
    return memory
  } catch {
    return tmpdir()
  }
}

interface Range {
  /** The first seed, or the sequences of regressions.ts. */
  readonly from: number | 'regressions'
  readonly count: number
}

const REGRESSIONS: Range = { from: 'regressions', count: 0 }

interface Seeds {
  readonly seed: number
  readonly count: number
}

class Command {
  readonly #totals: Totals = { sequences: 0, lives: 0, commits: 0, events: 0, broken: [] }
  readonly #scratch: string
  readonly #failuresMax: number
  readonly #isFirst: boolean

  /** `isFirst`: ends with the first sequence of a seed that does not hold, as it is. */
  constructor(scratch: string, isFirst: boolean) {
    this.#scratch = scratch
    this.#isFirst = isFirst
    this.#failuresMax = isFirst ? 1 : FAILURES_MAX
  }

  /** Resolves to the exit code. */
  async run(range: Seeds, workers: number): Promise<number> {
    const startedMs = performance.now()
    const shares = [...(this.#isFirst ? [] : [REGRESSIONS]), ...sharesOf(range, workers)]
    const next = async (): Promise<void> => {
      for (let share = shares.shift(); share && !this.#isOver; share = shares.shift()) {
        await this.#runShare(share)
      }
    }
    await Promise.all(Array.from({ length: workers }, next))
    const seconds = (performance.now() - startedMs) / 1000
    const { sequences, lives, commits, events, broken } = this.#totals
    const rate = Math.round(sequences / seconds)
    const effort = `${lives} lives of the agent, ${commits} commits, ${events} events`
    process.stdout.write(
      `${sequences - broken.length} of ${sequences} sequences hold (seeds ${range.seed} to ` +
        `${range.seed + range.count - 1}): ${effort}; ${seconds.toFixed(1)} s, ${rate} a second\n`,
    )
    return broken.length === 0 ? 0 : 1
  }

  get #isOver(): boolean {
    return this.#totals.broken.length >= this.#failuresMax
  }

  #runShare(share: Range): Promise<void> {
    const shrink = this.#isFirst ? 'as-it-is' : 'small'
    const args = [RUN, this.#scratch, shrink, String(share.from), String(share.count)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.on('message', (news: News) => {
      this.#heard(news)
      if (this.#isOver) child.kill()
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code === 0 || signal === 'SIGTERM') resolve()
        else reject(new Error(`a worker for seeds from ${share.from} ended with ${code ?? signal}`))
      })
    })
  }

  #heard(news: News): void {
    const totals = this.#totals
    totals.sequences += 1
    if (totals.sequences % TOLD_EVERY === 0) {
      process.stderr.write(`${totals.sequences} sequences, ${totals.broken.length} do not hold\n`)
    }
    if (news.kind === 'broken') {
      totals.broken.push(news.text)
      process.stdout.write(`${news.text}\n`)
      return
    }
    totals.lives += news.lives
    totals.commits += news.commits
    totals.events += news.events
  }
}

/** Parts of the range, small enough that all workers end at about the same time. */
function sharesOf({ seed, count }: Seeds, workers: number): Range[] {
  const size = Math.max(1, Math.min(SHARE_MAX, Math.ceil(count / workers)))
  const shares: Range[] = []
  for (let at = 0; at < count; at += size) {
    shares.push({ from: seed + at, count: Math.min(size, count - at) })
  }
  return shares
}

process.exitCode = await run(process.argv.slice(2))
