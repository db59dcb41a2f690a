// `npm run soak -- --minutes N [--seed S] [--rate R]`: a real Envoy under load, its logs rotated by
// the kubelet's rules, an agent that is killed at random, a sink that fails. vitest only transforms
// the TypeScript; the figures go to stdout as they come, the last line is a summary as JSON.

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const { parseArgs } = require('node:util')

const options = { minutes: { type: 'string' }, seed: { type: 'string' }, rate: { type: 'string' } }
const { values } = parseArgs({ options, strict: true })
const environment = {}
for (const [name, value] of Object.entries(values)) {
  if (!(Number(value) > 0)) {
    console.error(`--${name} takes a number above 0, not "${value}"`)
    process.exit(64)
  }
  environment[`METER_FAST_SOAK_${name.toUpperCase()}`] = value
}
const root = join(__dirname, '..', '..')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const flags = [
  'run',
  '--config',
  join(__dirname, 'vitest.config.ts'),
  '--disable-console-intercept',
]
const { status } = spawnSync(process.execPath, [vitest, ...flags], {
  cwd: root,
  env: { ...process.env, ...environment },
  stdio: 'inherit',
})
process.exit(status ?? 1)
