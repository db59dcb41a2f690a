// `npm run test:neon`: the NEON kernel of the line shapes = the reference parser, on any machine:
// the core is compiled for 64-bit ARM and run by an emulator (Debian: g++-aarch64-linux-gnu,
// qemu-user). `--rounds N` says how many seeded logs (300 by default).

const { parseArgs } = require('node:util')
const { build, run } = require('./build.cjs')
const { keptLogs } = require('./corpus.cjs')

const PROGRAM = 'test/native/shape.cc'
const SHARED = ['test/native/rig.cc', 'test/native/line_mutator.cc']
const HOUR = '3600'

async function main() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '300' } } })
  const [binary] = await build('arm64', [PROGRAM], SHARED)
  await run('qemu-aarch64', [binary, HOUR, values.rounds, '1', ...keptLogs()])
}

main().catch((error) => {
  process.stderr.write(`test:neon failed: ${error.message}\n`)
  process.exitCode = 1
})
