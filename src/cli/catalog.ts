// `meter-fast catalog`: checks the documents that publish a service, and writes those of Network
// Services.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { componentDocuments, componentFiles } from '../catalog/component.ts'
import { checkManifests } from '../catalog/manifests.ts'
import { isError, sortProblems } from '../config/problems.ts'
import { MeterFastError } from '../errors.ts'
import { wrapped } from './cells.ts'
import { type CommandIo, readFlags, usage, visible, write } from './command.ts'
import { displayOf } from './display.ts'
import { CATALOG_FLAGS } from './flags.ts'
import { problemCounts, problemLines } from './problem-lines.ts'

const EXIT_OK = 0
const EXIT_CONFIG = 78

/** @returns the exit code: 0, or 78 when `check` finds a problem that is not only a warning. */
export async function catalog(args: string[], io: CommandIo): Promise<number> {
  const { texts, lists, given, positionals } = readFlags('catalog', CATALOG_FLAGS, args, io.env)
  const [action, ...files] = positionals
  const earlier = lists.against ?? []
  if (action === 'check') {
    if (texts.out !== undefined) throw usage('catalog', '--out belongs to "render"')
    return check(files, earlier, given.has('json'), io)
  }
  if (action !== 'render') throw usage('catalog', 'say "check FILE..." or "render"')
  if (files.length > 0) throw usage('catalog', `"render" takes no file, such as "${files[0]}"`)
  if (earlier.length > 0 || given.has('json')) {
    throw usage('catalog', '--against and --json belong to "check"')
  }
  if (texts.out === undefined) await write(io.stdout, componentDocuments())
  else render(texts.out, io)
  return EXIT_OK
}

async function check(
  files: readonly string[],
  earlier: readonly string[],
  json: boolean,
  io: CommandIo,
): Promise<number> {
  if (files.length === 0) throw usage('catalog', '"check" needs files: name the YAML documents')
  const problems = sortProblems(checkManifests(files, earlier).found)
  const ok = !problems.some(isError)
  if (json) {
    const rows = problems.map(({ at, ...rest }) => ({ ...rest, at: at.label }))
    await write(io.stdout, `${JSON.stringify({ ok, problems: rows }, null, 2)}\n`)
  } else {
    const display = displayOf(io.stdout, io.env)
    const counts = [...(ok ? ['ok'] : []), problemCounts(problems)].filter(Boolean).join(', ')
    const last = wrapped(visible(`${files.join(', ')}: ${counts}`), display.columns, 2)
    const lines = [...problemLines(problems, display), ...last]
    await write(io.stdout, `${lines.join('\n')}\n`)
  }
  return ok ? EXIT_OK : EXIT_CONFIG
}

function render(directory: string, io: CommandIo): void {
  try {
    mkdirSync(directory, { recursive: true })
    for (const [name, content] of componentFiles()) {
      const path = join(directory, name)
      writeFileSync(path, content)
      io.stderr(`meter-fast: ${path} is written\n`)
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const what = `the component cannot be written to ${directory}: ${reason}`
    throw new MeterFastError('METER_DISK', `${what}. Name another directory.`, { cause })
  }
}
