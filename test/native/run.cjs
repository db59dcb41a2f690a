// `npm run test:native`: builds the core without Node, with sanitizers, and runs the programs of
// this folder. It proves that native/ but addon/ needs no header of Node, that it has no undefined
// behaviour on any log we keep, and that nothing reads past what it is given.
//
// Objects are cached below node_modules/.cache by the hash of all that they are made of: simdjson
// takes half a minute, and never changes.
//
// METER_FAST_DAMAGE_TRIES=N and METER_FAST_DAMAGE_SEED=N say how often snapshots are damaged, and
// with which dice.

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } = require('node:fs')
const { renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { availableParallelism, tmpdir } = require('node:os')
const { basename, dirname, join } = require('node:path')
const { runInNewContext } = require('node:vm')

const ROOT = join(__dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/meter-fast-native')
const COMPILER = process.env.CXX ?? 'g++'
const SIMDJSON_SOURCE = 'native/parse/simdjson.cc'
const PROGRAMS = ['literal', 'restore', 'upgrade', 'fold', 'replay', 'damage']
/** Library checks too: a view's index beyond its end is found even where memory goes on. */
const CHECKED = ['-O1', '-g1', '-fno-omit-frame-pointer', '-D_GLIBCXX_ASSERTIONS']
const ADDRESS = '-fsanitize=address'
const SANITIZED = [`${ADDRESS},undefined`, '-fno-sanitize-recover=all']
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
async function compile(source, flags, headers) {
  const text = readFileSync(join(ROOT, source))
  const object = join(CACHE, `${hashOf([...flags, ...headers, text])}.o`)
  if (!existsSync(object)) {
    const unfinished = `${object}.${process.pid}`
    await run(COMPILER, [...flags, '-c', source, '-o', unfinished])
    renameSync(unfinished, object)
  }
  return object
}

/** Compiles all, as many at once as there are processors. Resolves to objects by source. */
async function compileAll() {
  const gyp = readGyp()
  const version = execFileSync(COMPILER, ['--version'])
  const texts = [...filesBelow('native', /\.h$/), ...filesBelow('test/native', /\.h$/)]
  const headers = [version, ...texts.map((name) => readFileSync(join(ROOT, name)))]
  const flags = [...gyp.common, ...gyp.warnings, ...CHECKED, ...SANITIZED]
  const foreign = [version, readFileSync(join(gyp.simdjson, 'simdjson.cpp'))]
  // The longest first. Optimised, and without the other sanitizer: its code is not ours to judge.
  const jobs = [
    [SIMDJSON_SOURCE, [...gyp.common, '-O2', ADDRESS], foreign],
    ...gyp.sources.map((source) => [source, flags, headers]),
    ...filesBelow('test/native', /\.cc$/).map((source) => [source, flags, headers]),
  ]
  const objects = new Map()
  const worker = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      objects.set(job[0], await compile(...job))
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

async function link(program, objects) {
  const others = PROGRAMS.filter((name) => name !== program).map((name) => `test/native/${name}.cc`)
  const inputs = [...objects].filter(([source]) => !others.includes(source))
  const binary = join(CACHE, program)
  await run(COMPILER, [...SANITIZED, ...inputs.map(([, object]) => object), '-o', binary])
  return binary
}

/** Seeded nasty logs of test/reference, in `folder`: the generator is compiled, then run. */
async function writeCorpus(folder) {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const args = [tsc, 'test/reference/line-mix.ts', '--ignoreConfig', '--outDir', folder]
  args.push('--module', 'nodenext', '--target', 'es2023', '--types', 'node')
  args.push('--rewriteRelativeImportExtensions')
  const compiled = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
  if (compiled.status !== 0) throw new Error('test/reference/line-mix.ts did not compile')
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const { lineMix } = await import(join(folder, 'line-mix.js'))
  const mixes = [{}, { envelope: 'cri' }, { faultShare: 0 }, { isHuge: true, faultShare: 0.05 }]
  return mixes.map((mix, index) => {
    const path = join(folder, `mix-${index + 1}.log`)
    writeFileSync(path, lineMix(index + 1, 250, mix))
    return path
  })
}

async function main() {
  mkdirSync(CACHE, { recursive: true })
  const objects = await compileAll()
  removeOld(objects)
  const temporary = mkdtempSync(join(tmpdir(), 'meter-fast-native-'))
  try {
    const corpus = await writeCorpus(temporary)
    const kept = [
      ...filesBelow('test/golden', /\.log$/),
      ...filesBelow('test/fixtures', /\.(log|jsonl)$/),
    ]
    const { METER_FAST_DAMAGE_TRIES: tries = '3000', METER_FAST_DAMAGE_SEED: seed = '1' } =
      process.env
    const logs = [...kept, ...corpus]
    const args = { fold: logs, replay: logs, damage: [tries, seed, ...corpus] }
    for (const program of PROGRAMS) {
      const binary = await link(program, objects)
      const started = performance.now()
      await run(binary, args[program] ?? [], SANITIZER_OPTIONS)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      process.stdout.write(`ok ${program} (${seconds} s)\n`)
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

main().catch((error) => {
  process.stderr.write(`test:native failed: ${error.message}\n`)
  process.exitCode = 1
})
