// `npm run bench:native`: how long the core takes for a log in memory, by kernel of the line
// shapes, with the reference parser alone, and with simdjson On-Demand as a peer (shape_bench.cc).
// `--lines N` and `--repetitions N` (100,000 and 9 by default). Needs a built command line, which
// makes the logs.

const { spawnSync } = require('node:child_process')
const { closeSync, mkdtempSync, openSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { ROOT, build, run } = require('../../test/native/build.cjs')

const MAIN = join(ROOT, 'dist/cli/main.js')
const PROGRAM = 'bench/native/shape_bench.cc'
const PEER = 'bench/native/on_demand_peer.cc'
const SCENARIOS = [
  { name: 'datum', flags: ['--format', 'datum'] },
  { name: 'envoy-gateway', flags: ['--format', 'envoy-gateway'] },
  { name: 'datum', flags: ['--format', 'datum', '--envelope', 'cri'] },
]

function generate(path, flags) {
  const log = openSync(path, 'w')
  const made = spawnSync(process.execPath, [MAIN, 'generate', '--routes', '2000', ...flags], {
    stdio: ['ignore', log, 'inherit'],
  })
  closeSync(log)
  if (made.status !== 0) throw new Error('meter-fast generate failed: run "npm run build" first')
}

async function main() {
  const { values } = parseArgs({
    options: {
      lines: { type: 'string', default: '100000' },
      repetitions: { type: 'string', default: '9' },
    },
  })
  const [binary] = await build('release', [PROGRAM], ['test/native/rig.cc'], [PEER])
  const temporary = mkdtempSync(join(tmpdir(), 'meter-fast-bench-native-'))
  try {
    for (const { name, flags } of SCENARIOS) {
      const log = join(temporary, 'access.log')
      generate(log, ['--lines', values.lines, ...flags])
      process.stdout.write(`${flags.join(' ')}\n`)
      await run(binary, [values.repetitions, name, log])
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

main().catch((error) => {
  process.stderr.write(`bench:native failed: ${error.message}\n`)
  process.exitCode = 1
})
