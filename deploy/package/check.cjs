// `npm run package:check`: what a user of the npm package gets is what we mean. Packs it, then
// checks which files are inside and how large they are, the prebuilt addons, the exports as Node
// and TypeScript resolve them (publint, attw), code that nothing uses (knip), and the licences of
// all that is installed with it, which become build/package/sbom.cdx.json. All problems at once.

'use strict'

const { execFileSync, spawnSync } = require('node:child_process')
const { existsSync, mkdirSync, rmSync, writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { ADDON, PLATFORMS, problemsOf } = require('./prebuild.cjs')

const ROOT = resolve(__dirname, '../..')
const OUT = join(ROOT, 'build', 'package')
const PACKED_BYTES_MAX = 2_500_000
const UNPACKED_BYTES_MAX = 8_000_000

/** All that the package may hold. */
const ALLOWED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|binding\.gyp)$/,
  /^dist\/.*\.(js|d\.ts)$/,
  /^native\/(install|addon-file)\.cjs$/,
  /^native\/[\w/]+\.(cc|h)$/,
  new RegExp(`^prebuilds/(${Object.keys(PLATFORMS).join('|')})/${ADDON}$`),
]
/** What it must hold: library, types, command, benchmark, and what a build from source needs. */
const NEEDED = [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'dist/bench/run.js',
  'binding.gyp',
  'native/install.cjs',
  'native/addon/addon.cc',
  'LICENSE',
  ...Object.keys(PLATFORMS).map((platform) => `prebuilds/${platform}/${ADDON}`),
]
const LICENCES = [
  'Apache-2.0',
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'Unlicense',
]

/** Packs the package; what npm says about it, and the path of the file. */
function pack() {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', OUT], options)
  // Scripts print before the JSON does.
  const [facts] = JSON.parse(output.slice(output.indexOf('[\n')))
  return { ...facts, path: join(OUT, facts.filename) }
}

function contents({ files, size, unpackedSize }) {
  const paths = files.map(({ path }) => path)
  const strange = paths.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))
  const missing = NEEDED.filter((path) => !paths.includes(path))
  const problems = [
    ...strange.map((path) => `${path} does not belong into the package`),
    ...missing.map((path) => `${path} is missing in the package`),
  ]
  if (size > PACKED_BYTES_MAX) problems.push(`${size} bytes packed, most: ${PACKED_BYTES_MAX}`)
  if (unpackedSize > UNPACKED_BYTES_MAX) {
    problems.push(`${unpackedSize} bytes unpacked, most: ${UNPACKED_BYTES_MAX}`)
  }
  return problems
}

function prebuilds() {
  return Object.keys(PLATFORMS).flatMap((platform) => {
    const file = join(ROOT, 'prebuilds', platform, ADDON)
    if (!existsSync(file)) return [`${platform} has no prebuilt addon: run "npm run prebuild"`]
    return problemsOf(file).map((problem) => `the addon of ${platform} ${problem}`)
  })
}

/** Runs a checker of node_modules/.bin; what it prints is the problem. */
function tool(name, ...args) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin', name), args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return status === 0 ? [] : [`${name}:\n${stdout}${stderr}`]
}

/** Writes the bill of materials; a component without one of our licences is a problem. */
function materials() {
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev']
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20 }
  const text = execFileSync('npm', args, options)
  writeFileSync(join(OUT, 'sbom.cdx.json'), text)
  const { components } = JSON.parse(text)
  return components.flatMap(({ name, version, licenses = [] }) => {
    const ids = licenses.map(({ license, expression }) => expression ?? license.id ?? license.name)
    if (ids.length > 0 && ids.every((id) => LICENCES.includes(id))) return []
    return [`${name} ${version} has the licence ${ids.join(', ') || '(none)'}`]
  })
}

function main() {
  const packed = pack()
  const checks = [
    ['contents', contents(packed)],
    ['prebuilt addons', prebuilds()],
    ['publint', tool('publint', 'run', '--strict', packed.path)],
    // Every supported Node can require() modules, which the tool takes for a mistake.
    ['attw', tool('attw', packed.path, '--ignore-rules', 'cjs-resolves-to-esm')],
    ['unused code', tool('knip', '--exclude', 'binaries')],
    ['materials', materials()],
  ]
  for (const [name, problems] of checks) {
    process.stdout.write(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}\n`)
    for (const problem of problems) process.stderr.write(`     ${problem}\n`)
  }
  const { size, unpackedSize, entryCount } = packed
  process.stdout.write(
    `${packed.filename}: ${entryCount} files, ${size} bytes, unpacked ${unpackedSize}\n`,
  )
  return checks.some(([, problems]) => problems.length > 0) ? 1 : 0
}

process.exitCode = main()
