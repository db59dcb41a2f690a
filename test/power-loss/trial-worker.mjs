// Opens a directory with the built product and goes on from there, trial after trial, each in a
// directory of its own. A process of its own, because a damaged file may crash or hang it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openState } from '../../dist/durable/store.js'
import { Agent, loadConfig } from '../../dist/index.js'
import { crc32c, stateNative } from '../../dist/native.js'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const WAIT_MS = 60_000
/** Commits after a state was read: pages that were free are used, and others become free. */
const ROUNDS = 3
/** How long an agent first lives; the next one twice as long, for a busy machine. */
const LOOK_MS = 50
const CONFIG = 'meter-fast.json'
const LOG = 'access.log'
const USAGE = 'usage.ndjson'

const JOBS = { agent: goOn, command: runCommand, store: readAndWrite }

process.on('message', async ({ job, directory, ...rest }) => {
  process.chdir(directory)
  try {
    const done = await JOBS[job](rest)
    process.send({ outcome: 'done', ...done })
  } catch (error) {
    process.send({
      outcome: 'refused',
      code: `${error.code ?? error.name}`,
      message: error.message,
    })
  }
})

/** A billing system: it keeps the first of each id. `stored` is what it knows already. */
class Receiver {
  name = 'receiver'
  changed = []

  constructor(stored) {
    this.stored = new Map(stored.map((text) => [JSON.parse(text).id, text]))
  }

  async deliver({ ids, texts }) {
    for (const [index, id] of ids.entries()) {
      const known = this.stored.get(id)
      if (known === undefined) this.stored.set(id, texts[index])
      else if (known !== texts[index]) this.changed.push(texts[index])
    }
    return { kind: 'accepted', status: 200, text: '' }
  }

  async close() {}
}

/**
 * Runs the agent to the end of its log. With `append` it first looks at the log as it is, until it
 * has read the `leftLines` of it or has told of a gap; then these bytes are written to it.
 */
async function goOn({ known, nowMs, leftLines, append }) {
  const sequence = await storedSequence()
  const sink = known && new Receiver(known)
  const gaps = []
  const onSignal = (signal) => signal.kind === 'gap' && gaps.push(signal.gap)
  const run = async (once, signal) => {
    const config = loadConfig(CONFIG, { env: {}, once })
    const options = { onSignal, once, now: () => nowMs, ...(sink && { sink }) }
    return new Agent(config, options).run(signal)
  }
  const deadlineMs = performance.now() + WAIT_MS
  let lookMs = LOOK_MS
  for (let lines = -1; append && gaps.length === 0 && lines !== leftLines; lookMs *= 2) {
    if (performance.now() > deadlineMs) throw new Error('waited in vain for the agent to look')
    const stop = new AbortController()
    const life = run(false, stop.signal)
    await Promise.race([delay(lookMs), life])
    stop.abort()
    lines = Number((await life)?.lines.read ?? -1)
  }
  if (append) appendFileSync(LOG, append)
  await run(true, new AbortController().signal)
  const delivered = sink ? [...sink.stored.values()] : linesOf(USAGE)
  return { sequence, delivered, changed: sink?.changed ?? [], gaps }
}

/** The same with the command line, which reads the log to its end and delivers to a file. */
async function runCommand() {
  const sequence = await storedSequence()
  const child = spawn(process.execPath, [MAIN, 'run', '--once', '-c', CONFIG], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [words, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (code !== 0) throw Object.assign(new Error(words), { code: `exit ${code}` })
  return { sequence, delivered: linesOf(USAGE), changed: [], gaps: [] }
}

/** The number of the last commit that the state holds. */
async function storedSequence() {
  if (!existsSync('state/state.mdb')) return 0
  const store = await openState('state', stateNative)
  const { sequence } = store
  await store.close()
  return sequence
}

function linesOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}

/** Reads every value, then writes and reads again; says what differs from `marks`. */
async function readAndWrite({ marks }) {
  const want = new Map(marks)
  let store = await openState('state', stateNative)
  try {
    const differences = differencesOf(store, want)
    for (let round = 0; round < ROUNDS && differences.length === 0; round += 1) {
      change(store, want, round)
      await store.commit()
      differences.push(...differencesOf(store, want))
    }
    await store.close()
    store = await openState('state', stateNative)
    return { differences: [...differences, ...differencesOf(store, want)].slice(0, 5) }
  } finally {
    await store.close()
  }
}

/** Small and large values put and removed, so that pages are freed and used again. */
function change(store, want, round) {
  for (const [index, key] of [...want.keys()].entries()) {
    if ((index + round) % 7 === 0) {
      store.remove(key)
      want.delete(key)
    }
  }
  for (let index = 0; index < 60; index += 1) {
    const value = Buffer.alloc(index % 20 === 0 ? 9_000 : 100 + index, round)
    const key = `round/${(index * 13) % 50}/${round % 2}`
    store.put(key, value)
    want.set(key, markOf(value))
  }
}

function differencesOf(store, want) {
  const found = new Map()
  for (const [key, value] of store.entries('')) {
    if (found.has(key)) return [`${key} is there twice`]
    found.set(key, markOf(value))
  }
  const keys = new Set([...found.keys(), ...want.keys()])
  const wrong = [...keys].filter((key) => found.get(key) !== want.get(key))
  const unseen = [...want].filter(([key, mark]) => {
    const value = store.get(key)
    return !value || markOf(value) !== mark
  })
  return [...wrong, ...unseen.map(([key]) => key)]
}

function markOf(value) {
  return `${value.length}:${crc32c(value, 0)}`
}
