// `npm run test:native`: builds the core without Node, with sanitizers, and runs the programs of
// this folder. It proves that native/ but addon/ needs no header of Node, that it has no undefined
// behaviour on any log we keep, and that nothing reads past what it is given.
//
// METER_FAST_DAMAGE_TRIES=N and METER_FAST_DAMAGE_SEED=N say how often snapshots are damaged, and
// with which dice.

const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { SANITIZER_OPTIONS, build, run } = require('./build.cjs')
const { keptLogs, writeCorpus } = require('./corpus.cjs')

/** Rounds of seeded logs against the reference parser; `npm run fuzz` plays more. */
const SHAPE_ROUNDS = '150'
const SHAPE_SECONDS_MAX = '300'
const PROGRAMS = ['literal', 'keys', 'restore', 'upgrade', 'fold', 'replay', 'damage', 'shape']
const SHARED = ['test/native/rig.cc', 'test/native/line_mutator.cc']

async function main() {
  const sources = PROGRAMS.map((name) => `test/native/${name}.cc`)
  const binaries = await build('sanitized', sources, SHARED)
  const temporary = mkdtempSync(join(tmpdir(), 'meter-fast-native-'))
  try {
    const corpus = await writeCorpus(temporary)
    const { METER_FAST_DAMAGE_TRIES: tries = '3000', METER_FAST_DAMAGE_SEED: seed = '1' } =
      process.env
    const logs = [...keptLogs(), ...corpus]
    const args = {
      fold: logs,
      replay: logs,
      damage: [tries, seed, ...corpus],
      shape: [SHAPE_SECONDS_MAX, SHAPE_ROUNDS, '1', ...logs],
    }
    for (const [index, program] of PROGRAMS.entries()) {
      const started = performance.now()
      await run(binaries[index], args[program] ?? [], SANITIZER_OPTIONS)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      process.stdout.write(`ok ${program} (${seconds} s)\n`)
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

main().catch((error) => {
  process.stderr.write(`test:native failed: ${error.message}\n`)
  process.exitCode = 1
})
