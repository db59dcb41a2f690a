// `npm run test:mutation`: breaks one rule at a time and proves that a test fails each time.
//
// mutations.cjs is the list: a rule, the place where it is kept, what stands there instead, and the
// tests that must notice. Each mutation is made in a copy of the tree, so that an interrupted run
// leaves nothing broken. All tests of the list must pass first: one that fails without a mutation
// proves nothing.
//
//   npm run test:mutation                 all of them
//   npm run test:mutation -- part carry   those whose rule has one of these words

const { execFileSync, spawnSync } = require('node:child_process')
const { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const ROOT = join(__dirname, '../..')
const VITEST = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const TSC = join(dirname(require.resolve('typescript/package.json')), 'lib/tsc.js')
const MINUTES_MAX = 10

/** The tree without what git ignores, and with the built addon. */
function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), 'meter-fast-mutation-'))
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: ROOT,
    },
  )
  for (const path of listed.toString().split('\0').filter(Boolean)) {
    cpSync(join(ROOT, path), join(copy, path), { recursive: true, force: true })
  }
  cpSync(join(ROOT, 'build'), join(copy, 'build'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Runs tests in the copy; true when all of them pass. */
function passes(copy, { tests, only, config }) {
  const named = only === undefined ? [] : ['-t', only]
  const configured = config === undefined ? [] : ['--config', config]
  const args = [VITEST, 'run', ...configured, ...tests, ...named, '--bail=1', '--reporter=dot']
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    timeout: MINUTES_MAX * 60_000,
    env: { ...process.env, NO_COLOR: '1' },
  })
  // A test that hangs on a broken rule has noticed it, too.
  return status === 0 && error === undefined
}

/** Makes what tests run that is not TypeScript: the addon, and the command. */
function build(copy, path) {
  if (path.startsWith('native/')) {
    execFileSync(process.execPath, ['native/install.cjs', '--force'], { cwd: copy, stdio: 'pipe' })
  } else {
    // A mutation may leave a name unused; what runs is written all the same.
    spawnSync(process.execPath, [TSC], { cwd: copy, stdio: 'pipe' })
  }
}

/** Puts the mutation in, and gives the function that takes it out. */
function mutate(copy, { file, from, to }) {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) {
    throw new Error(`${file} does not hold this once, so the list is out of date:\n${from}`)
  }
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  return () => writeFileSync(path, text)
}

function main(words) {
  const all = require('./mutations.cjs')
  const chosen =
    words.length === 0 ? all : all.filter(({ rule }) => words.some((word) => rule.includes(word)))
  const copy = copyTree()
  const missed = []
  try {
    build(copy, 'src')
    const sound = new Map()
    for (const mutation of chosen) {
      const key = JSON.stringify([mutation.tests, mutation.only, mutation.config])
      if (!sound.has(key)) sound.set(key, passes(copy, mutation))
      if (!sound.get(key)) {
        missed.push(mutation.rule)
        console.log(`BROKEN  ${mutation.rule}: its tests fail without a mutation`)
        continue
      }
      const restore = mutate(copy, mutation)
      build(copy, mutation.file)
      const isCaught = !passes(copy, mutation)
      restore()
      build(copy, mutation.file)
      if (!isCaught) missed.push(mutation.rule)
      console.log(
        `${isCaught ? 'caught' : 'MISSED'}  ${mutation.rule}: ${mutation.tests.join(', ')}`,
      )
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
  console.log(`${chosen.length - missed.length} of ${chosen.length} mutations caught`)
  return missed.length === 0 && chosen.length > 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
