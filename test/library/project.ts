// A project of somebody who uses the package: its files are compiled against the published types,
// strictly, and run with the published code.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { build } from '../cli/build.ts'

const ROOT = join(import.meta.dirname, '../..')
const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitReturns: false,
  target: 'ES2022',
  lib: ['ES2023', 'ESNext.Disposable'],
  module: 'NodeNext',
  types: ['node'],
  outDir: 'out',
}

export interface Project {
  readonly directory: string
  /** Adds a file. */
  readonly write: (name: string, text: string) => void
  /** Compiles all files. @throws with what the compiler says */
  readonly compile: () => void
  /** Runs a compiled file to its end; its standard output. */
  readonly run: (name: string, ...args: string[]) => string
  /** Starts a compiled file. */
  readonly start: (name: string) => ReturnType<typeof spawn>
}

/** To be called once in a test file. */
export function useProject(): Project {
  let directory = ''
  beforeAll(async () => {
    await build()
    directory = mkdtempSync(join(tmpdir(), 'meter-fast-library-'))
    mkdirSync(join(directory, 'node_modules/@types'), { recursive: true })
    symlinkSync(ROOT, join(directory, 'node_modules/meter-fast'))
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name))
    }
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
    const config = { compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  }, 120_000)
  afterAll(() => rmSync(directory, { recursive: true }))

  const compiled = (name: string) => join('out', name.replace(/ts$/, 'js'))
  return {
    get directory() {
      return directory
    },
    write: (name, text) => writeFileSync(join(directory, name), text),
    compile: () => {
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
      try {
        execFileSync(process.execPath, [compiler], { cwd: directory, stdio: 'pipe' })
      } catch (error) {
        throw new Error(String((error as { stdout?: Buffer }).stdout))
      }
    },
    run: (name, ...args) =>
      execFileSync(process.execPath, [compiled(name), ...args], {
        cwd: directory,
        encoding: 'utf8',
      }),
    start: (name) => spawn(process.execPath, [compiled(name)], { cwd: directory }),
  }
}
