// The install step: uses a prebuilt addon when one fits this machine, else builds it from source.
// `--force` builds in any case.
//
// Whether one fits is tried in a process of its own, because a library can take its process along.
// The build needs no download: the headers lie beside the running Node (include/node), and nodedir
// is derived from it. Only where they are missing node-gyp is left to fetch them.
'use strict'

const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const path = require('node:path')
const { findAddon, loadFailure, misfit } = require('./addon-file.cjs')

const root = path.resolve(__dirname, '..')

const NEEDS =
  'Install Python 3, make and a C++20 compiler (g++ 11 or clang 14, or newer), then run ' +
  '"npm rebuild meter-fast".\n' +
  '  Debian, Ubuntu:  apt-get install python3 make g++\n' +
  '  Fedora, RHEL:    dnf install python3 make gcc-c++\n' +
  '  Alpine:          apk add python3 make g++\n'

function say(text) {
  process.stderr.write(`meter-fast: ${text}\n`)
}

/** Why the addon must be built here; undefined when one is there that loads. */
function reasonToBuild() {
  const file = findAddon(root)
  if (file === undefined) {
    return `there is no prebuilt addon for ${process.platform}-${process.arch} with this libc`
  }
  const problem = misfit(file) ?? failureOf(file)
  return problem && `${path.relative(root, file)} ${problem}`
}

function failureOf(file) {
  const tried = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file])
  if (tried.status === 0) return undefined
  if (tried.signal) return `ends its process by ${tried.signal}`
  return loadFailure(String(tried.stderr))
}

function isInPath(program) {
  const directories = (process.env.PATH ?? '').split(path.delimiter)
  return directories.some((directory) => existsSync(path.join(directory, program)))
}

/** What the build would miss; a variable that names another program is believed. */
function missingTools() {
  const { CXX, PYTHON, npm_config_python: python } = process.env
  const missing = []
  if (!python && !PYTHON && !isInPath('python3') && !isInPath('python')) missing.push('Python 3')
  if (!isInPath('make')) missing.push('make')
  if (!CXX && !isInPath('g++')) missing.push('a C++ compiler (g++)')
  return missing
}

function build() {
  const missing = missingTools()
  if (missing.length > 0) {
    say(`the native addon cannot be built: not found are ${missing.join(', ')}. ${NEEDS}`)
    return 1
  }
  const args = [require.resolve('node-gyp/bin/node-gyp.js'), 'rebuild', '--jobs=max']
  const nodeDir = path.resolve(process.execPath, '../..')
  if (existsSync(path.join(nodeDir, 'include/node/node_api.h'))) args.push(`--nodedir=${nodeDir}`)
  const built = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (built.status === 0) return 0
  say(`the native addon did not build; the lines above say why. ${NEEDS}`)
  return built.status ?? 1
}

function main(args) {
  if (!args.includes('--force')) {
    const reason = reasonToBuild()
    if (reason === undefined) return 0
    say(`${reason}; the addon is built from source now, which takes a minute or two.`)
  }
  return build()
}

process.exitCode = main(process.argv.slice(2))
