// The logs that native programs read: those that tests keep, and seeded nasty ones.

const { spawnSync } = require('node:child_process')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { ROOT, filesBelow } = require('./build.cjs')

const keptLogs = () => [
  ...filesBelow('test/golden', /\.log$/),
  ...filesBelow('test/fixtures', /\.(log|jsonl)$/),
]

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
  const mixes = [
    ...[{}, { envelope: 'cri' }, { faultShare: 0 }, { isHuge: true, faultShare: 0.05 }],
    { envelope: 'docker' },
  ]
  return mixes.map((mix, index) => {
    const path = join(folder, `mix-${index + 1}.log`)
    writeFileSync(path, lineMix(index + 1, 250, mix))
    return path
  })
}

module.exports = { keptLogs, writeCorpus }
