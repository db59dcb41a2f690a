// docs/threats.md is true as far as a test can tell: every row names tests that exist and run.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Row {
  readonly threat: string
  readonly answer: string
  readonly tests: readonly { readonly name: string; readonly path: string }[]
}

const LINK = /\[([^\]]+)\]\(\.\.\/([^)]+)\)/g

const rows = text('docs/threats.md')
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (threat|---) \|/.test(line))
  .map((line): Row => {
    const [threat = '', answer = '', tests = ''] = line.slice('| '.length).split(' | ')
    const links = [...tests.matchAll(LINK)]
    return { threat, answer, tests: links.map(([, name = '', path = '']) => ({ name, path })) }
  })

/** True when `npm test` runs the file, or CI its program. */
function runs(path: string): boolean {
  if (path.endsWith('.test.ts')) return !path.startsWith('test/e2e/')
  const program = /^test\/native\/(\w+)\.cc$/.exec(path)?.[1]
  const isRun = program !== undefined && text('test/native/run.cjs').includes(`'${program}'`)
  return isRun && text('.ci/run').includes('npm run test:native')
}

/** True when the file defines a test, or a group of tests, of that name; in C++, calls it. */
function defines(path: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  if (path.endsWith('.cc')) return new RegExp(`\\n  mf::test::${escaped}\\(\\);`).test(text(path))
  // test(NAME, describe.each(ROWS)(NAME, and the end of such rows when they are many: ])(NAME
  const before = '(?:(?:test|describe)(?:\\.each)?|\\)|\\])(?:<[^>]*>)?\\)?\\('
  return new RegExp(`${before}\\s*(['"\`])${escaped}\\1`).test(text(path))
}

test('there are rows for every party', () => {
  expect(rows.length).toBeGreaterThanOrEqual(35)
})

describe.each(rows)('$threat', ({ threat, answer, tests }) => {
  test('has an answer and a test', () => {
    expect([threat, answer].every((cell) => cell.length > 3)).toBe(true)
    expect(tests.length).toBeGreaterThan(0)
  })

  test.each(tests)('$path runs "$name"', ({ name, path }) => {
    expect(runs(path)).toBe(true)
    expect(defines(path, name)).toBe(true)
  })
})

test.each([
  ['test/unit/check.test.ts', 'a test that is not there'],
  ['test/unit/check.test.ts', 'a good configuration is ok'],
  ['test/native/literal.cc', 'test_that_is_not_there'],
])('%s has no test %s', (path, name) => {
  expect(defines(path, name)).toBe(false)
})
