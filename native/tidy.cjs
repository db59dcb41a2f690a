// Runs clang-tidy over the C++ sources (`npm run lint:cpp`), or over the files named as arguments.
//
// Flags are given here, not by a compilation database: the same language, include paths and defines
// as binding.gyp, which stays the one place where defines are written.

const { spawn } = require('node:child_process')
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { dirname, join, resolve } = require('node:path')

const ROOT = join(__dirname, '..')
const CANDIDATES = ['clang-tidy-19', 'clang-tidy']
/** simdjson's own code, in a file of one line: not ours to mend. */
const NOT_OURS = join(__dirname, 'parse', 'simdjson.cc')
const MISSING_EXIT = 69

function sources() {
  return readdirSync(__dirname, { recursive: true })
    .map((name) => join(__dirname, name))
    .filter((file) => file.endsWith('.cc') && file !== NOT_OURS)
    .sort()
}

/** Names in the `defines` lists of binding.gyp. */
function defines() {
  const text = readFileSync(join(ROOT, 'binding.gyp'), 'utf8')
  const lists = text.matchAll(/['"]defines['"]\s*:\s*\[([^\]]*)\]/g)
  const names = [...lists].flatMap(([, list]) =>
    [...list.matchAll(/['"]([^'"]+)['"]/g)].map(([, name]) => name),
  )
  return [...new Set(names)].map((name) => `-D${name}`)
}

function compilerFlags() {
  const foreign = [
    join(dirname(require.resolve('@nozbe/simdjson/package.json')), 'src'),
    resolve(ROOT, require('node-addon-api').include_dir),
    resolve(process.execPath, '../../include/node'),
  ]
  return [
    '-std=c++20',
    '-fno-exceptions',
    '-fno-rtti',
    `-I${ROOT}`,
    ...foreign.filter((folder) => existsSync(folder)).flatMap((folder) => ['-isystem', folder]),
    ...defines(),
  ]
}

/** Prints what is found in one file; resolves to the exit code. */
function tidy(program, file, flags) {
  return new Promise((done, fail) => {
    const child = spawn(program, ['--quiet', file, '--', ...flags], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Output is kept together per file; clang-tidy's own count of warnings is noise.
    let output = ''
    let noise = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      noise += text
    })
    child.on('error', fail)
    child.on('close', (code) => {
      if (code === 0 && output === '') return done(0)
      process.stdout.write(output || noise)
      done(code || 1)
    })
  })
}

async function findProgram() {
  for (const program of CANDIDATES) {
    const found = await new Promise((done) => {
      const child = spawn(program, ['--version'], { stdio: 'ignore' })
      child.on('error', () => done(false))
      child.on('close', (code) => done(code === 0))
    })
    if (found) return program
  }
  return undefined
}

async function main(args) {
  const program = await findProgram()
  if (program === undefined) {
    process.stderr.write(
      `C++ was not checked: neither ${CANDIDATES.join(' nor ')} is installed. ` +
        'Install version 19 (Debian: apt-get install clang-tidy-19).\n',
    )
    return MISSING_EXIT
  }
  const flags = compilerFlags()
  const waiting = args.length > 0 ? args.map((file) => resolve(file)) : sources()
  const failed = []
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      if ((await tidy(program, file, flags)) !== 0) failed.push(file)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  for (const file of failed) process.stderr.write(`clang-tidy finds problems in ${file}\n`)
  return failed.length === 0 ? 0 : 1
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
