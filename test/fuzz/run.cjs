// `npm run fuzz -- --minutes N`: seeded logs through every kernel of the line shapes that this CPU
// has and through the reference parser, half of the processes under the address and undefined-
// behaviour sanitizers, until N minutes are over (1 by default). `--seed N` is the number of the
// first round; without it, the clock gives one, so that each run plays new rounds.
//
// Prints how many lines each target was given, and appends that to record.jsonl beside this file.
// A difference ends the run with the number of its round: `--seed` repeats it.

const { spawn } = require('node:child_process')
const { appendFileSync, mkdtempSync, rmSync } = require('node:fs')
const { availableParallelism, tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { ROOT, SANITIZER_OPTIONS, build } = require('../native/build.cjs')
const { keptLogs, writeCorpus } = require('../native/corpus.cjs')

const PROGRAM = 'test/native/shape.cc'
const SHARED = ['test/native/rig.cc', 'test/native/line_mutator.cc']
const RECORD = join(__dirname, 'record.jsonl')
/** More rounds than any run plays: what keeps processes apart. */
const ROUNDS_EACH = 1_000_000_000

function readSettings() {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' } },
  })
  const minutes = Number(values.minutes ?? 1)
  const seed = Number(values.seed ?? Date.now())
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0) {
    throw new Error('usage: npm run fuzz -- [--minutes N] [--seed N]')
  }
  return { minutes, seed }
}

/** What one process prints; its errors are shown. */
function play(binary, seconds, firstRound, logs) {
  return new Promise((done, fail) => {
    const args = [String(seconds), String(ROUNDS_EACH), String(firstRound), ...logs]
    const env = { ...process.env, ...SANITIZER_OPTIONS }
    const child = spawn(binary, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    child.on('error', fail)
    child.on('close', (code, signal) => {
      if (code === 0) done(output)
      else fail(new Error(`a target ended with ${signal ?? code}`))
    })
  })
}

/** Adds up `<target> <count> executions, ...` of all processes. */
function countExecutions(outputs) {
  const executions = {}
  for (const [, target, count] of outputs.join('').matchAll(/^(\S+) (\d+) executions/gm)) {
    executions[target] = (executions[target] ?? 0) + Number(count)
  }
  return executions
}

async function main() {
  const { minutes, seed } = readSettings()
  // The sanitizers see what is wrong inside; the other build plays many times as many lines.
  const binaries = [
    ...(await build('sanitized', [PROGRAM], SHARED)),
    ...(await build('release', [PROGRAM], SHARED)),
  ]
  const temporary = mkdtempSync(join(tmpdir(), 'meter-fast-fuzz-'))
  try {
    const logs = [...keptLogs(), ...(await writeCorpus(temporary))]
    const count = Math.max(binaries.length, availableParallelism())
    const processes = Array.from({ length: count }, (_, index) => {
      const binary = binaries[index % binaries.length]
      return play(binary, Math.ceil(minutes * 60), seed + index * ROUNDS_EACH, logs)
    })
    const executions = countExecutions(await Promise.all(processes))
    for (const [target, count] of Object.entries(executions)) {
      process.stdout.write(`${target}: ${count} executions\n`)
    }
    const record = { date: new Date().toISOString(), minutes, seed, executions }
    appendFileSync(RECORD, `${JSON.stringify(record)}\n`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

main().catch((error) => {
  process.stderr.write(`fuzz failed: ${error.message}\n`)
  process.exitCode = 1
})
