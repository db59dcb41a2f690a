// Checks the layout of the C++ sources with clang-format (`npm run lint`); `--write` mends it.

const { spawnSync } = require('node:child_process')
const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const FOLDERS = ['.', '../test/native', '../test/crash', '../bench/native'].map((path) =>
  join(__dirname, path),
)
const STYLE = `--style=file:${join(__dirname, '.clang-format')}`

const CANDIDATES = ['clang-format-19', 'clang-format']
const USAGE_EXIT = 64
const MISSING_EXIT = 69

function sources() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => /\.(h|cc)$/.test(name))
      .map((name) => join(folder, name))
      .sort(),
  )
}

function main(args) {
  const write = args.includes('--write')
  if (args.some((arg) => arg !== '--write')) {
    process.stderr.write('usage: node native/format.cjs [--write]\n')
    return USAGE_EXIT
  }
  const files = sources()
  if (files.length === 0) return 0
  const mode = write ? ['-i'] : ['--dry-run', '--Werror']
  for (const program of CANDIDATES) {
    const run = spawnSync(program, [...mode, STYLE, ...files], { stdio: 'inherit' })
    if (run.error?.code === 'ENOENT') continue
    if (run.error) throw run.error
    if (run.status !== 0) process.stderr.write('Run "node native/format.cjs --write".\n')
    return run.status ?? 1
  }
  process.stderr.write(
    `C++ layout was not checked: neither ${CANDIDATES.join(' nor ')} is installed. ` +
      'Install version 19 (Debian: apt-get install clang-format-19).\n',
  )
  return MISSING_EXIT
}

process.exitCode = main(process.argv.slice(2))
