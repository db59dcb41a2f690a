// Builds programs from native/ but addon/, without Node: those of this folder, of test/fuzz and of
// bench/native.
//
// Objects are cached below node_modules/.cache by the hash of all that they are made of: simdjson
// takes half a minute, and never changes.

const { execFileSync, spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readdirSync, readFileSync } = require('node:fs')
const { renameSync, rmSync, statSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { basename, dirname, join } = require('node:path')
const { runInNewContext } = require('node:vm')

const ROOT = join(__dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/meter-fast-native')
const SIMDJSON_SOURCE = 'native/parse/simdjson.cc'

/** Library checks too: a view's index beyond its end is found even where memory goes on. */
const CHECKED = ['-g1', '-fno-omit-frame-pointer', '-D_GLIBCXX_ASSERTIONS']
const ADDRESS = '-fsanitize=address'
const SANITIZED = [`${ADDRESS},undefined`, '-fno-sanitize-recover=all']

/** Flags of our sources, of simdjson, whose code is not ours to judge, and of linking. */
const MODES = {
  sanitized: {
    compiler: process.env.CXX ?? 'g++',
    ours: ['-O1', ...CHECKED, ...SANITIZED],
    foreign: ['-O2', ADDRESS],
    link: SANITIZED,
  },
  /** As binding.gyp has them. */
  release: { compiler: process.env.CXX ?? 'g++', ours: ['-O3'], foreign: ['-O3'], link: [] },
  /** For 64-bit ARM, to be run by an emulator that has none of its libraries. */
  arm64: {
    compiler: 'aarch64-linux-gnu-g++',
    ours: ['-O2', ...CHECKED],
    foreign: ['-O2'],
    link: ['-static'],
  },
}
const SANITIZER_OPTIONS = {
  ASAN_OPTIONS: 'detect_leaks=1:max_allocation_size_mb=1024:hard_rss_limit_mb=3000',
  UBSAN_OPTIONS: 'print_stacktrace=1',
}

/** binding.gyp, the one place where sources and flags are written; it reads as JavaScript. */
function readGyp() {
  const text = readFileSync(join(ROOT, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '')
  const { target_defaults: defaults, targets } = runInNewContext(`(${text})`)
  const core = targets.find((target) => target.target_name === 'meter_fast_core')
  const simdjson = join(dirname(require.resolve('@nozbe/simdjson/package.json')), 'src')
  // No place for node-addon-api, on purpose.
  const language = defaults.cflags_cc.filter((flag) => !flag.startsWith('-isystem'))
  const defines = defaults.defines.map((name) => `-D${name}`)
  const common = [...language, ...defines, '-I', ROOT, '-isystem', simdjson]
  return { common, warnings: core.cflags_cc, sources: core.sources, simdjson }
}

const hashOf = (parts) =>
  parts
    .reduce((hash, part) => hash.update(`${part.length}:`).update(part), createHash('sha256'))
    .digest('hex')

const filesBelow = (folder, pattern) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .sort()

/** Resolves when the program ends with 0; its output is shown. */
function run(program, args, env = {}) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('error', fail)
    child.on('close', (code, signal) => {
      if (code === 0) done()
      else fail(new Error(`${basename(program)} ended with ${signal ?? code}`))
    })
  })
}

/** Compiles one source, or takes what an equal one gave before. Resolves to the object's path. */
async function compile(compiler, source, flags, headers) {
  const text = readFileSync(join(ROOT, source))
  const object = join(CACHE, `${hashOf([...flags, ...headers, text])}.o`)
  if (!existsSync(object)) {
    const unfinished = `${object}.${process.pid}`
    await run(compiler, [...flags, '-c', source, '-o', unfinished])
    renameSync(unfinished, object)
  }
  return object
}

/** Compiles all, as many at once as there are processors. Resolves to objects by source. */
async function compileAll(mode, sources, tuned) {
  const gyp = readGyp()
  const version = execFileSync(mode.compiler, ['--version'])
  const folders = new Set(['native', 'test/native', ...[...sources, ...tuned].map(dirname)])
  const texts = [...folders].flatMap((folder) => filesBelow(folder, /\.h$/))
  const headers = [version, ...texts.map((name) => readFileSync(join(ROOT, name)))]
  const flags = [...gyp.common, ...gyp.warnings, ...mode.ours]
  const foreign = [version, readFileSync(join(gyp.simdjson, 'simdjson.cpp'))]
  // The longest first.
  const jobs = [
    [SIMDJSON_SOURCE, [...gyp.common, ...mode.foreign], foreign],
    ...[...gyp.sources, ...sources].map((source) => [source, flags, headers]),
    ...tuned.map((source) => [source, [...flags, '-march=native'], headers]),
  ]
  const objects = new Map()
  const worker = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      objects.set(job[0], await compile(mode.compiler, ...job))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return objects
}

/** Removes objects that were made more than a week ago and are not used any more. */
function removeOld(objects) {
  const used = new Set(objects.values())
  const oldMs = Date.now() - 7 * 24 * 3_600_000
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name)
    if (name.includes('.o') && !used.has(path) && statSync(path).mtimeMs < oldMs) rmSync(path)
  }
}

/**
 * Builds `programs`, each a source with a main, from the core, the sources `shared`, and the
 * sources `tuned`, which are for the CPU of this machine alone. Resolves to their binaries, in the
 * same order.
 */
async function build(modeName, programs, shared, tuned = []) {
  const mode = MODES[modeName]
  mkdirSync(CACHE, { recursive: true })
  const objects = await compileAll(mode, [...programs, ...shared], tuned)
  removeOld(objects)
  const binaries = []
  for (const program of programs) {
    const inputs = [...objects].filter(
      ([source]) => source === program || !programs.includes(source),
    )
    const binary = join(CACHE, `${basename(program, '.cc')}-${modeName}`)
    await run(mode.compiler, [...inputs.map(([, object]) => object), ...mode.link, '-o', binary])
    binaries.push(binary)
  }
  return binaries
}

module.exports = { ROOT, SANITIZER_OPTIONS, build, filesBelow, run }
