// `npm run bench:native`: how long the core takes for a log in memory, by kernel of the line
// shapes, with the reference parser alone, and with simdjson On-Demand as a peer (shape_bench.cc).
// `--lines N` and `--repetitions N` (100,000 and 9 by default). Needs a built command line, which
// makes the logs.
//
// `npm run bench:check` is the same, three times, against bench/baseline.json: how many times as
// fast as the reference parser each kernel must be. A loss is one that is larger than what the
// three runs differ by, and than a fifth: machines differ. `--write` writes the baseline anew.

const { spawnSync } = require('node:child_process')
const { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { ROOT, build } = require('../../test/native/build.cjs')

const MAIN = join(ROOT, 'dist/cli/main.js')
const PROGRAM = 'bench/native/shape_bench.cc'
const PEER = 'bench/native/on_demand_peer.cc'
const BASELINE = join(ROOT, 'bench/baseline.json')
const SCENARIOS = [
  { name: 'datum', format: 'datum', flags: ['--format', 'datum'] },
  { name: 'envoy-gateway', format: 'envoy-gateway', flags: ['--format', 'envoy-gateway'] },
  { name: 'cri', format: 'datum', flags: ['--format', 'datum', '--envelope', 'cri'] },
]
const CHECK_RUNS = 3
const LOSS_MIN = 0.2

function generate(path, flags) {
  const log = openSync(path, 'w')
  const made = spawnSync(process.execPath, [MAIN, 'generate', '--routes', '2000', ...flags], {
    stdio: ['ignore', log, 'inherit'],
  })
  closeSync(log)
  if (made.status !== 0) throw new Error('meter-fast generate failed: run "npm run build" first')
}

/** What the benchmark prints for one log. */
function measure(binary, repetitions, format, log) {
  const args = [repetitions, format, log]
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the benchmark ended with ${status}: ${stderr}`)
  return stdout
}

/** `<name> ... <ratio>x ...`, one line a contender. */
function ratiosOf(text) {
  const lines = [...text.matchAll(/^(\S+) .* ([\d.]+)x /gm)]
  return Object.fromEntries(lines.map(([, name, ratio]) => [name, Number(ratio)]))
}

function median(values) {
  return values.toSorted((left, right) => left - right)[values.length >> 1]
}

/** Of each contender the median ratio, and by how much the runs differ, relative to it. */
function summary(runs) {
  return Object.keys(runs[0]).map((name) => {
    const ratios = runs.map((run) => run[name])
    const ratio = median(ratios)
    return { name, ratio, noise: (Math.max(...ratios) - Math.min(...ratios)) / ratio }
  })
}

/** Prints how each kernel stands; true when none has lost. */
function compare(scenario, found, baseline) {
  let holds = true
  for (const { name, ratio, noise } of found) {
    const wanted = baseline[scenario]?.[name]
    if (wanted === undefined || name === 'reference' || name === 'on-demand') continue
    const loss = 1 - ratio / wanted
    const isLoss = loss > Math.max(LOSS_MIN, noise)
    holds &&= !isLoss
    process.stdout.write(
      `${isLoss ? 'LOSS' : 'ok  '}  ${scenario} ${name}: ${ratio}x of the reference, ` +
        `${wanted}x in the baseline, noise ${(100 * noise).toFixed(0)} %\n`,
    )
  }
  return holds
}

function baselineOf(found) {
  return Object.fromEntries(found.map(({ name, ratio }) => [name, ratio]))
}

async function main() {
  const { values } = parseArgs({
    options: {
      lines: { type: 'string', default: '100000' },
      repetitions: { type: 'string', default: '9' },
      check: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const [binary] = await build('release', [PROGRAM], ['test/native/rig.cc'], [PEER])
  const temporary = mkdtempSync(join(tmpdir(), 'meter-fast-bench-native-'))
  const baseline = values.write ? {} : JSON.parse(readFileSync(BASELINE, 'utf8'))
  let holds = true
  try {
    for (const { name, format, flags } of SCENARIOS) {
      const log = join(temporary, 'access.log')
      generate(log, ['--lines', values.lines, ...flags])
      const count = values.check || values.write ? CHECK_RUNS : 1
      const texts = Array.from({ length: count }, () =>
        measure(binary, values.repetitions, format, log),
      )
      if (count === 1) process.stdout.write(`${flags.join(' ')}\n${texts[0]}`)
      const found = summary(texts.map(ratiosOf))
      if (values.check) holds = compare(name, found, baseline) && holds
      if (values.write) baseline[name] = baselineOf(found)
    }
    if (values.write) writeFileSync(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  if (!holds) throw new Error('a kernel is slower than bench/baseline.json says')
}

main().catch((error) => {
  process.stderr.write(`bench:native failed: ${error.message}\n`)
  process.exitCode = 1
})
