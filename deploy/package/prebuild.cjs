// `npm run prebuild`: the compiled addons that the npm package carries, for each platform of
// PLATFORMS, written to prebuilds/ and checked: size, and the oldest system libraries that they run
// with.
//
// They are built in a directory of their own, because prebuildify empties build/, which holds the
// addon that tests of this checkout use. Headers are those beside the running Node; Node-API is the
// same for all versions, so one file serves them all.

'use strict'

const { execFileSync } = require('node:child_process')
const { copyFileSync, existsSync, mkdirSync, mkdtempSync } = require('node:fs')
const { rmSync, statSync, symlinkSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join, relative, resolve } = require('node:path')

const ROOT = resolve(__dirname, '../..')
const ENVIRONMENT = { ...process.env }
const ADDON = 'meter-fast.glibc.node'

/** Prefixes of the GNU tools; empty for those of this machine. */
const PLATFORMS = {
  'linux-x64': { tools: process.arch === 'x64' ? '' : 'x86_64-linux-gnu-' },
  'linux-arm64': { tools: process.arch === 'arm64' ? '' : 'aarch64-linux-gnu-' },
}

/**
 * The newest versions that a prebuilt addon may ask for: those of RHEL 8, which official builds of
 * Node need as well. Ubuntu 20.04 and Debian 10 have newer ones.
 */
const FLOOR = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11' }
const ADDON_BYTES_MAX = 1_000_000

/** Builds the addon of one platform and returns its path below prebuilds/. */
async function build(platform) {
  const { tools } = PLATFORMS[platform]
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-prebuild-'))
  try {
    for (const name of ['binding.gyp', 'native', 'node_modules', 'package.json']) {
      symlinkSync(join(ROOT, name), join(directory, name))
    }
    await prebuildify(directory, platform, tools)
    const built = join(directory, 'prebuilds', platform, ADDON)
    const kept = join(ROOT, 'prebuilds', platform)
    rmSync(kept, { recursive: true, force: true })
    mkdirSync(kept, { recursive: true })
    copyFileSync(built, join(kept, ADDON))
    return join(kept, ADDON)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function prebuildify(directory, platform, tools) {
  const nodeDirectory = resolve(process.execPath, '../..')
  const hasHeaders = existsSync(join(nodeDirectory, 'include/node/node_api.h'))
  // prebuildify hands its own environment to the compiler, so that is where tools are named.
  process.env = {
    ...ENVIRONMENT,
    npm_config_jobs: 'max',
    ...(hasHeaders && { npm_config_nodedir: nodeDirectory }),
    ...(tools && { CC: `${tools}gcc`, CXX: `${tools}g++`, AR: `${tools}ar` }),
  }
  const options = {
    cwd: directory,
    arch: platform.split('-')[1],
    napi: true,
    strip: true,
    stripBin: `${tools}strip`,
    tagLibc: true,
    quiet: true,
  }
  return new Promise((done, fail) => {
    require('prebuildify')(options, (error) => (error ? fail(error) : done()))
  })
}

/** The newest version of each library that the file asks for, e.g. { GLIBC: '2.25' }. */
function versionsOf(file) {
  const symbols = execFileSync('objdump', ['-T', file], { encoding: 'utf8' })
  const newest = {}
  for (const [, library, version] of symbols.matchAll(/\*UND\*.*\((\w+?)_([\d.]+)\)/g)) {
    if (isNewer(version, newest[library] ?? '0')) newest[library] = version
  }
  return newest
}

function isNewer(version, other) {
  return version.localeCompare(other, 'en', { numeric: true }) > 0
}

/** What is wrong with a prebuilt addon, as sentences. */
function problemsOf(file) {
  const problems = []
  const { size } = statSync(file)
  if (size > ADDON_BYTES_MAX) problems.push(`has ${size} bytes, more than ${ADDON_BYTES_MAX}`)
  for (const [library, version] of Object.entries(versionsOf(file))) {
    const most = FLOOR[library]
    if (most !== undefined && isNewer(version, most)) {
      problems.push(`needs ${library}_${version}, newer than ${library}_${most}`)
    }
  }
  return problems
}

async function main(names) {
  const platforms = names.length > 0 ? names : Object.keys(PLATFORMS)
  const unknown = platforms.filter((name) => !Object.hasOwn(PLATFORMS, name))
  if (unknown.length > 0) {
    process.stderr.write(`usage: npm run prebuild -- [${Object.keys(PLATFORMS).join('|')}]...\n`)
    return 64
  }
  let failed = 0
  for (const platform of platforms) {
    const file = await build(platform)
    const versions = Object.entries(versionsOf(file)).map((pair) => pair.join('_'))
    const name = relative(ROOT, file)
    process.stdout.write(`${name}: ${statSync(file).size} bytes, ${versions.join(', ')}\n`)
    for (const problem of problemsOf(file)) {
      process.stderr.write(`${name} ${problem}\n`)
      failed = 1
    }
  }
  return failed
}

if (require.main === module) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code
    },
    (error) => {
      process.stderr.write(`prebuild: ${error.message}\n`)
      process.exitCode = 1
    },
  )
}

module.exports = { ADDON, FLOOR, PLATFORMS, problemsOf }
