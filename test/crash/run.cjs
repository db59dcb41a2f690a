// `npm run test:crash` and `npm run test:kill-storm`: vitest does not take flags of ours, so they
// go to the tests by the environment.
//
//   npm run test:crash                       every point once, about three minutes
//   npm run test:crash -- --full             both sinks, all kinds of logs, all kinds of faults
//   npm run test:kill-storm -- --seconds N   120 by default
//
// Other arguments are for vitest. METER_FAST_SEED=N repeats a run, METER_FAST_POINT=PATH:N (such as
// state/state.mdb:17) one point of a sweep, and METER_FAST_KEEP=1 keeps the files of each run.

const { spawnSync } = require('node:child_process')
const { dirname, join } = require('node:path')

const VITEST = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const CONFIG = join(__dirname, 'vitest.config.ts')
const STORM = 'kill-storm'
const STORM_SECONDS = '120'
const USAGE_EXIT = 64

function main(args) {
  const rest = [...args]
  const env = { ...process.env }
  if (rest[0] === STORM) env.METER_FAST_SECONDS ??= STORM_SECONDS
  const full = rest.indexOf('--full')
  if (full >= 0) {
    rest.splice(full, 1)
    env.METER_FAST_FULL = '1'
  }
  const at = rest.indexOf('--seconds')
  if (at >= 0) {
    const [, seconds = ''] = rest.splice(at, 2)
    if (!/^[1-9]\d{0,5}$/.test(seconds)) {
      process.stderr.write('--seconds needs a number of seconds\n')
      return USAGE_EXIT
    }
    env.METER_FAST_SECONDS = seconds
  }
  // The last flag would take a name behind it for its value.
  const command = [VITEST, 'run', '--config', CONFIG, ...rest, '--disable-console-intercept']
  return spawnSync(process.execPath, command, { stdio: 'inherit', env }).status ?? 1
}

process.exitCode = main(process.argv.slice(2))
