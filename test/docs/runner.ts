// Runs documents: every `sh` block as it stands, one after another, in a directory that has what
// the document says, with `meter-fast` in PATH and nothing of this machine's METER_FAST_*. Blocks
// of other languages (`console`) need a cluster, and are not run.

import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, MAIN } from '../cli/build.ts'

export const ROOT = join(import.meta.dirname, '../..')

export interface RunningDocument {
  /** From the root of the tree. */
  readonly path: string
  /** Makes what the document presupposes. */
  readonly prepare?: (place: Place) => void | Promise<void>
  /** Environment of its commands. */
  readonly env?: Readonly<Record<string, string>>
  /** A text that is in one block only, and what this block must print. */
  readonly prints: readonly (readonly [command: string, output: RegExp])[]
  /** Called before each block that has the text: what happens between the commands. */
  readonly before?: readonly (readonly [command: string, act: (place: Place) => Promise<void>])[]
  /** Ends what the commands have begun. */
  readonly end?: (place: Place) => void | Promise<void>
}

/** The directory of one document's commands. */
export interface Place {
  readonly directory: string
  /** Environment of the commands; more may be added. */
  readonly env: Record<string, string>
  /** Runs a block; its standard output. @throws with what it said on standard error */
  readonly run: (block: string) => Promise<string>
}

/** The texts of a document's blocks of one language. */
export function blocksOf(path: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...readFileSync(join(ROOT, path), 'utf8').matchAll(fence)].map(([, text = '']) => text)
}

/** The tests of one document: its commands, the commands that it names, its links. */
export function describeDocument(document: RunningDocument): void {
  const { path, prepare, env = {}, prints, before = [], end } = document
  const text = readFileSync(join(ROOT, path), 'utf8')

  describe(path, () => {
    let place: Place = { directory: '', env: {}, run: async () => '' }
    beforeAll(async () => {
      await build()
      place = placeFor(env)
      await prepare?.(place)
    }, 120_000)
    afterAll(async () => {
      await end?.(place)
      rmSync(dirname(place.directory), { recursive: true })
    })

    test('its commands work, in their order', async () => {
      const seen: (readonly [block: string, said: string])[] = []
      for (const block of blocksOf(path, 'sh')) {
        for (const [command, act] of before) if (block.includes(command)) await act(place)
        seen.push([block, await place.run(block)])
      }
      for (const [command, output] of prints) {
        const printed = seen.filter(([block]) => block.includes(command)).map(([, said]) => said)
        expect(printed, `${command} is in one block`).toHaveLength(1)
        expect(printed[0], command).toMatch(output)
      }
    })

    test('every command that is named exists, and every script', async () => {
      const help = await place.run('meter-fast --help')
      for (const [, name = ''] of text.matchAll(/meter-fast ([a-z]+)\b(?=[ `\n])/g)) {
        if (existsSync(join(ROOT, `src/cli/${name}.ts`))) expect(help).toContain(`  ${name} `)
      }
      const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
      for (const [, name = ''] of text.matchAll(/npm run ([a-z0-9:-]+)/g)) {
        expect(Object.keys(scripts)).toContain(name)
      }
    })

    test('every link leads to a file, and to a heading where it names one', () => {
      for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
        if (/^https?:/.test(target)) continue
        const [file = '', anchor] = target.split('#')
        const linked = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file)
        expect(existsSync(linked), target).toBe(true)
        if (anchor !== undefined) expect(anchorsOf(linked), target).toContain(anchor)
      }
    })
  })
}

function placeFor(env: Readonly<Record<string, string>>): Place {
  const outer = mkdtempSync(join(tmpdir(), 'meter-fast-docs-'))
  const [bin, directory] = [mkdtempSync(join(outer, 'bin-')), mkdtempSync(join(outer, 'work-'))]
  const command = join(bin, 'meter-fast')
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(command, 0o755)
  const path = [bin, dirname(process.execPath), process.env['PATH']].join(':')
  const given: Record<string, string> = { PATH: path, ...env }
  const run = promisify(execFile)
  return {
    directory,
    env: given,
    run: async (block) => {
      const { stdout } = await run('sh', ['-euc', block], { cwd: directory, env: given })
      return stdout
    },
  }
}

function anchorsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
