// Runs a sequence and judges it. Then, of some sequences, once more: under another wall clock, and
// by an agent that has lost its state. What is billed must be the same.

import { Model } from './model.ts'
import type { Sequence } from './sequence.ts'
import { observe, real } from './system.ts'
import { judge, type Run, type Verdict } from './verdict.ts'
import { check } from './violation.ts'

/** What a sequence came to, for those who want to know how much was tried. */
export interface Effort {
  readonly lives: number
  readonly commits: number
  readonly events: number
}

const OTHER_CLOCK_MS = 5 * 3_600_000

/**
 * `twice`: compares with a run under another clock, and with one without a state.
 * @throws {Violation}
 */
export async function runSequence(
  sequence: Sequence,
  scratch: string,
  twice: boolean,
): Promise<Effort> {
  const first = await runOnce(sequence, scratch, twice)
  if (twice && first.verdict.isComparable) {
    const other = await runOnce(underOtherClock(sequence), scratch, false)
    if (other.verdict.isComparable) compareClocks(first.verdict, other.verdict)
  }
  const { lives, commits, receiver } = first.run
  return { lives, commits, events: receiver.stored.size }
}

async function runOnce(
  sequence: Sequence,
  scratch: string,
  anew: boolean,
): Promise<{ readonly run: Run; readonly verdict: Verdict }> {
  const directory = real.mkdtempSync(`${scratch}/s`)
  const model = new Model(sequence, directory)
  try {
    const run = await model.run()
    const verdict = judge(run)
    if (anew && verdict.isRepeatable) compareAnew(verdict, await model.deliverAnew())
    return { run, verdict }
  } finally {
    observe(undefined)
    await model.close()
    real.rmSync(directory, { recursive: true, force: true })
  }
}

/** The same log, rotations and faults; the wall clock shows another time and is never set. */
function underOtherClock({ setup, actions }: Sequence): Sequence {
  return {
    setup: { ...setup, wallAheadMs: setup.wallAheadMs + OTHER_CLOCK_MS },
    actions: actions.filter((action) => action.do !== 'clock'),
  }
}

/** The wall clock decides when windows are closed, never what is in them (I11). */
function compareClocks(one: Verdict, other: Verdict): void {
  const [sums, otherSums] = [one, other].map(({ events }) => sumsPerWindow(events.values()))
  check('I11', sums === otherSums, () => `sums per window are ${sums}, or ${otherSums}`)
  if (!one.isInParts && !other.isInParts) {
    const isSame = [...one.events].every(([id, text]) => other.events.get(id) === text)
    check('I11', isSame, () => 'another wall clock gives other events')
  }
}

/** An agent without a state makes the same events (I4). */
function compareAnew({ events }: Verdict, { stored }: Run['receiver']): void {
  for (const [id, text] of events) {
    check('I4', stored.get(id) === text, () => `without its state: ${stored.get(id)}, not ${text}`)
  }
  check('I4', stored.size === events.size, () => 'without its state it makes more events')
}

/** Sums over everything that tells events apart but the id and the part. */
function sumsPerWindow(texts: Iterable<string>): string {
  const sums = new Map<string, bigint>()
  for (const text of texts) {
    const {
      id: _id,
      data,
      ...rest
    } = JSON.parse(text) as {
      id: string
      data: { value: string; dimensions?: unknown }
    }
    const name = JSON.stringify([rest, data.dimensions])
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(data.value))
  }
  return [...sums]
    .map(([name, sum]) => `${name} ${sum}`)
    .sort()
    .join('\n')
}
