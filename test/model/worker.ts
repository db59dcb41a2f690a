// Runs a range of seeds in this process and tells its parent about each sequence. Arguments:
// directory for files, `small` to make small what fails, first seed, number of seeds.

import { replaceSystem } from './system.ts'

replaceSystem()
// Loaded after that, so that the product gets what was replaced.
const { generate } = await import('./generate.ts')
const { runSequence } = await import('./interpret.ts')
const { REGRESSIONS } = await import('./regressions.ts')
const { literal } = await import('./sequence.ts')
const { shrink } = await import('./shrink.ts')
const { Violation } = await import('./violation.ts')

import type { News } from './command.ts'
import type { Sequence } from './sequence.ts'

/** One sequence in so many is compared with other runs of it. */
const TWICE_EVERY = 8

const [scratch = '', size = '', from = '', count = ''] = process.argv.slice(2)
if (from === 'regressions') {
  for (const [name, sequence] of Object.entries(REGRESSIONS)) {
    await tell(await tryOne(name, sequence, true))
  }
}
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  await tell(await tryOne(`seed ${seed}`, generate(seed), seed % TWICE_EVERY === 0))
}
process.disconnect?.()

async function tryOne(name: string, sequence: Sequence, twice: boolean): Promise<News> {
  try {
    return { kind: 'held', ...(await runSequence(sequence, scratch, twice)) }
  } catch (error) {
    return { kind: 'broken', text: await reportOf(name, sequence, error, twice) }
  }
}

/** What is broken, and the smallest sequence that still shows it. */
async function reportOf(
  name: string,
  sequence: Sequence,
  error: unknown,
  twice: boolean,
): Promise<string> {
  if (size !== 'small') return `${name}:\n${textOf(error)}`
  const rule = ruleOf(error)
  let last = error
  const small = await shrink(sequence, async (candidate) => {
    const found = await failureOf(candidate, twice)
    const fails = found !== undefined && ruleOf(found) === rule
    if (fails) last = found
    return fails
  })
  const { actions } = sequence
  const sizes = `${actions.length} actions, ${small.actions.length} are enough`
  return `${name} (${sizes}):\n${textOf(last)}\n  {\n${literal(small)}\n  },`
}

async function failureOf(sequence: Sequence, twice: boolean): Promise<unknown> {
  try {
    await runSequence(sequence, scratch, twice)
    return undefined
  } catch (error) {
    return error
  }
}

function ruleOf(error: unknown): string {
  return error instanceof Violation ? error.rule : String(error)
}

function textOf(error: unknown): string {
  if (error instanceof Violation) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function tell(news: News): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.send?.(news, undefined, {}, (error) => (error ? reject(error) : resolve()))
  })
}
