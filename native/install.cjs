// The install step: uses a prebuilt addon when one fits, else builds from source.
//
// The build needs no download: the headers lie beside the running Node (include/node), and nodedir
// is derived from it. Only where they are missing node-gyp is left to fetch them.
'use strict'

const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const path = require('node:path')

const root = path.resolve(__dirname, '..')

function loads() {
  try {
    require('node-gyp-build')(root)
    return true
  } catch {
    return false
  }
}

function build() {
  const args = [require.resolve('node-gyp/bin/node-gyp.js'), 'rebuild', '--jobs=max']
  const nodeDir = path.resolve(process.execPath, '../..')
  if (existsSync(path.join(nodeDir, 'include/node/node_api.h'))) args.push(`--nodedir=${nodeDir}`)
  const built = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (built.status === 0) return 0
  process.stderr.write(
    'meter-fast: the native addon did not build. It needs Python 3, make and a C++20 compiler ' +
      '(g++ 11 or clang 14, or newer); the lines above say what failed.\n',
  )
  return built.status ?? 1
}

process.exitCode = !process.argv.includes('--force') && loads() ? 0 : build()
