// `npm run build:binary`: the command as one file, build/binary/meter-fast. It is an official build
// of Node with the bundled command and both addons, ours and lmdb's, inside.
//
// What is inside: one script (esbuild), `meter_fast` (from prebuilds/), `lmdb` (from lmdb's
// platform package) and package.json, which has the version. src/embedded.ts unpacks them.
//
// Node 24, because it needs no library but those of C and C++; Node 26 wants libatomic, which small
// images do not have. Symbols for debuggers are taken out.

'use strict'

const { execFileSync } = require('node:child_process')
const { chmodSync, copyFileSync, existsSync, mkdirSync } = require('node:fs')
const { rmSync, statSync, writeFileSync } = require('node:fs')
const { join, relative, resolve } = require('node:path')
const { ADDON, PLATFORMS } = require('../package/prebuild.cjs')
const { nodeRuntime } = require('../package/runtime.cjs')

const ROOT = resolve(__dirname, '../..')
const OUT = join(ROOT, 'build', 'binary')
const NODE_VERSION = '24.21.0'
const BINARY_BYTES_MAX = 130_000_000
/** Modules are strict code: the directive must stay the first thing in the script. */
const BANNER = `"use strict";
const binaryUrl = require('node:url').pathToFileURL(process.execPath).href;`
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** The command and all that it imports, as one script. */
function bundle(file) {
  const { buildSync } = require('esbuild')
  buildSync({
    entryPoints: [join(ROOT, 'src/cli/standalone.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${NODE_VERSION}`,
    legalComments: 'eof',
    alias: {
      // Its CommonJS build: bundled from its modules, lmdb reads values wrongly.
      lmdb: join(ROOT, 'node_modules/lmdb/dist/index.cjs'),
      'node-gyp-build-optional-packages': join(__dirname, 'lmdb-addon.cjs'),
    },
    // Optional and native: msgpackr does without it, and pino uses workers only for transports.
    external: ['msgpackr-extract'],
    define: { 'import.meta.url': 'binaryUrl' },
    banner: { js: BANNER },
    logLevel: 'warning',
  })
}

/** lmdb's Node-API addon for a platform; npm installs only that of the running one. */
function lmdbAddon(platform) {
  const name = `@lmdb/lmdb-${platform}`
  const version = require(join(ROOT, 'package.json')).dependencies.lmdb
  const installed = join(ROOT, 'node_modules', name, 'node.napi.glibc.node')
  if (existsSync(installed)) return installed
  const flags = ['--prefix', OUT, '--no-save', '--ignore-scripts', '--force', '--no-audit']
  execFileSync('npm', ['install', ...flags, `${name}@${version}`], { stdio: 'pipe' })
  return join(OUT, 'node_modules', name, 'node.napi.glibc.node')
}

function addon(platform) {
  const file = join(ROOT, 'prebuilds', platform, ADDON)
  if (existsSync(file)) return file
  throw new Error(`${relative(ROOT, file)} is missing: "npm run prebuild -- ${platform}" makes it`)
}

/** Writes the script and the addons into one file, in the form that Node reads. */
function assemble(platform) {
  const script = join(OUT, 'meter-fast.cjs')
  const blob = join(OUT, 'meter-fast.blob')
  const settings = join(OUT, 'sea.json')
  bundle(script)
  const assets = {
    meter_fast: addon(platform),
    lmdb: lmdbAddon(platform),
    'package.json': join(ROOT, 'package.json'),
  }
  const wanted = {
    main: script,
    output: blob,
    disableExperimentalSEAWarning: true,
    // Compiled code is that of the machine that compiles.
    useCodeCache: platform === `linux-${process.arch}`,
    assets,
  }
  writeFileSync(settings, JSON.stringify(wanted))
  const node = join(nodeRuntime(NODE_VERSION, process.arch), 'bin/node')
  execFileSync(node, ['--experimental-sea-config', settings], { stdio: 'pipe' })
  return blob
}

function build(platform) {
  const [, arch] = platform.split('-')
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  const blob = assemble(platform)
  const binary = join(OUT, 'meter-fast')
  copyFileSync(join(nodeRuntime(NODE_VERSION, arch), 'bin/node'), binary)
  chmodSync(binary, 0o755)
  execFileSync(`${PLATFORMS[platform].tools}strip`, ['--strip-unneeded', binary])
  // It warns of section names that Node's linker left empty, which is why its output is not shown.
  const postject = require.resolve('postject/dist/cli.js')
  const inject = [postject, binary, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE]
  execFileSync(process.execPath, inject, { stdio: 'pipe' })
  return binary
}

function main([platform = `linux-${process.arch}`]) {
  if (!Object.hasOwn(PLATFORMS, platform)) {
    process.stderr.write(`usage: npm run build:binary -- [${Object.keys(PLATFORMS).join(' | ')}]\n`)
    return 64
  }
  const binary = build(platform)
  const { size } = statSync(binary)
  process.stdout.write(`${relative(ROOT, binary)}: ${size} bytes, Node ${NODE_VERSION}\n`)
  if (size <= BINARY_BYTES_MAX) return 0
  process.stderr.write(`That is more than ${BINARY_BYTES_MAX}\n`)
  return 1
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`build:binary: ${error.stderr || error.message}\n`)
  process.exitCode = 1
}
