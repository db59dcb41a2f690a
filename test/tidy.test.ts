// The tree keeps its own rules: who may import whom, in TypeScript and in C++, 100 columns, at most
// 400 lines, no leftover markers, no file whose name says nothing.
//
// Rules are pure functions over (path, text), so that the second half of this file can plant a
// mistake of each kind and prove that it is found.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['src', 'native', 'bench', 'test', 'deploy']
const EXTENSIONS = new Set(['.ts', '.cjs', '.mjs', '.js', '.h', '.cc'])
const COLUMNS_MAX = 100
const FILE_LINES_MAX = 400

/**
 * TypeScript: the first row whose `from` begins the path counts. `values` may be imported whole,
 * `types` by `import type` only; both are beginnings of paths. A row's own folder is allowed.
 */
interface ImportRow {
  readonly from: string
  readonly values: readonly string[]
  readonly types?: readonly string[]
  /** Packages that may be imported; any when left out. */
  readonly packages?: readonly string[]
}
const ERRORS = 'src/errors.ts'
const NATIVE = 'src/native.ts'
const EMBEDDED = 'src/embedded.ts'
const STAGES = ['src/config/', 'src/tail/', 'src/durable/', 'src/emit/', 'src/deliver/']
const PARTS = [...STAGES, 'src/catalog/', 'src/observe/']
const JOINING = [ERRORS, NATIVE, EMBEDDED, 'src/meter', 'src/agent', 'src/verify/', ...PARTS]
const IMPORT_TABLE: readonly ImportRow[] = [
  { from: ERRORS, values: [], packages: [] },
  { from: EMBEDDED, values: [ERRORS], packages: [] },
  { from: NATIVE, values: [ERRORS, EMBEDDED] },
  { from: 'src/deliver/', values: [ERRORS], types: [NATIVE, 'src/emit/'] },
  // The catalog is chosen by the configuration; both read YAML and tell problems alike.
  { from: 'src/config/', values: [ERRORS, 'src/catalog/'], types: [NATIVE] },
  {
    from: 'src/catalog/',
    values: [ERRORS, 'src/config/problems.ts', 'src/config/source.ts'],
    types: [NATIVE],
  },
  ...PARTS.map((from) => ({ from, values: [ERRORS], types: [NATIVE] })),
  // Where stages meet: meter.ts and agent.ts with their folders, and what proves a bill.
  { from: 'src/meter', values: JOINING },
  { from: 'src/agent', values: JOINING },
  { from: 'src/verify/', values: JOINING },
  { from: 'src/compare/', values: JOINING },
  {
    from: 'src/index.ts',
    values: [ERRORS, 'src/meter', 'src/agent', 'src/verify/', 'src/config/'],
    types: [NATIVE, ...PARTS],
  },
  // The first user of the public API: index.ts, or the two files that it re-exports.
  {
    from: 'src/cli/',
    values: [
      'src/index.ts',
      'src/meter',
      'src/agent',
      'src/verify/',
      'src/compare/',
      ERRORS,
      EMBEDDED,
      'src/config/',
      'src/catalog/',
    ],
  },
  { from: 'bench/', values: [], packages: ['meter-fast', 'tinybench'] },
  { from: 'test/', values: ['src/', 'bench/'] },
]

/** C++: folders below native/ that a folder may include besides itself. */
const INCLUDE_TABLE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  parse: ['base'],
  aggregate: ['base', 'parse'],
  read: ['base'],
  engine: ['base', 'parse', 'aggregate', 'read'],
  addon: ['base', 'parse', 'aggregate', 'read', 'engine'],
}
const NODE_API = /^(napi|node_api|uv|v8|node).*\.h$/
const FOREIGN_QUOTED = new Set(['simdjson.h', 'simdjson.cpp', 'napi.h'])

// Put together here, so that this file does not hold what it forbids.
const WORDS = ['TO-DO', 'FIX-ME', 'XX-X', 'HA-CK'].map((word) => word.replace('-', ''))
const MARKERS = [
  new RegExp(`\\b(${WORDS.join('|')})\\b`),
  new RegExp(`\\.(${['only', 'skip', 'todo'].join('|')})\\(`),
  new RegExp(`@ts-(${['ignore', 'nocheck'].join('|')})`),
]
const EMPTY_NAMES = /^(utils?|helpers?|types|common|misc)$/

interface Import {
  readonly target: string
  readonly typeOnly: boolean
}

const CLAUSE = String.raw`(?:\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?|\{[^}]*\})`
const STATIC_IMPORT = new RegExp(
  String.raw`^[ \t]*(?:import|export)\s+(type\s+)?${CLAUSE}\s+from\s*['"]([^'"]+)['"]`,
  'gm',
)
const SIDE_EFFECT_IMPORT = /^[ \t]*import\s*['"]([^'"]+)['"]/gm
const DYNAMIC_IMPORT = /\bimport\(\s*['"`]([^'"`]+)['"`]/g

function importsOf(text: string): Import[] {
  const found: Import[] = []
  for (const [, type, target = ''] of text.matchAll(STATIC_IMPORT)) {
    found.push({ target, typeOnly: type !== undefined })
  }
  for (const pattern of [SIDE_EFFECT_IMPORT, DYNAMIC_IMPORT]) {
    for (const [, target = ''] of text.matchAll(pattern)) found.push({ target, typeOnly: false })
  }
  return found
}

function importProblems(path: string, text: string): string[] {
  if (extname(path) !== '.ts') return []
  const row = IMPORT_TABLE.find(({ from }) => path.startsWith(from))
  if (row === undefined) return [`${path}: has no row in the table of imports`]
  return importsOf(text)
    .filter((found) => !mayImport(row, path, found))
    .map(({ target, typeOnly }) => `${path}: imports ${typeOnly ? 'types of ' : ''}${target}`)
}

function mayImport(row: ImportRow, path: string, { target, typeOnly }: Import): boolean {
  if (!target.startsWith('.')) {
    return target.startsWith('node:') || (row.packages?.includes(target) ?? true)
  }
  const resolved = posix.join(posix.dirname(path), target)
  const own = row.from.endsWith('/') ? [row.from] : []
  const allowed = [...own, ...row.values, ...(typeOnly ? (row.types ?? []) : [])]
  // The built benchmark lies beside the command line (dist/bench), its source does not.
  const builtBench = path === 'src/cli/bench.ts' && resolved === 'src/bench/run.js'
  return builtBench || allowed.some((beginning) => resolved.startsWith(beginning))
}

function includeProblems(path: string, text: string): string[] {
  const [top, folder = ''] = path.split('/')
  if (top !== 'native' || !/\.(h|cc)$/.test(path)) return []
  const allowed = INCLUDE_TABLE[folder]
  if (allowed === undefined) return [`${path}: has no row in the table of includes`]
  const problems: string[] = []
  for (const [, mark, name = ''] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)/gm)) {
    const [first, included = ''] = name.split('/')
    if (NODE_API.test(name) && folder !== 'addon') problems.push(`${path}: includes ${name}`)
    else if (first === 'native' && included !== folder && !allowed.includes(included)) {
      problems.push(`${path}: includes ${name}`)
    } else if (mark === '"' && first !== 'native' && !FOREIGN_QUOTED.has(name)) {
      problems.push(`${path}: includes "${name}", which is not written from the root`)
    }
  }
  return problems
}

/** Output that a snapshot holds word for word cannot be wrapped. */
const INLINE_SNAPSHOT = /toMatchInlineSnapshot\(\s*`(?:\\.|[^`\\])*`/g

function textProblems(path: string, text: string): string[] {
  const problems: string[] = []
  const lines = text.replace(INLINE_SNAPSHOT, (whole) => whole.replace(/[^\n]/g, '')).split('\n')
  for (const [index, line] of lines.entries()) {
    const place = `${path}:${index + 1}`
    if ([...line].length > COLUMNS_MAX) problems.push(`${place}: longer than 100 columns`)
    const marker = MARKERS.map((pattern) => pattern.exec(line)?.[0]).find(Boolean)
    if (marker !== undefined) problems.push(`${place}: leftover ${marker}`)
  }
  if (lines.length - 1 > FILE_LINES_MAX) problems.push(`${path}: more than 400 lines`)
  return problems
}

function nameProblems(path: string): string[] {
  const name = basename(path).split('.')[0] ?? ''
  return EMPTY_NAMES.test(name) ? [`${path}: the name says nothing`] : []
}

/** Only one file knows how the addon is found. */
function loaderProblems(path: string, text: string): string[] {
  const loads = path.startsWith('src/') && path !== NATIVE && text.includes('node-gyp-build')
  return loads ? [`${path}: loads the addon`] : []
}

const RULES = [importProblems, includeProblems, textProblems, nameProblems, loaderProblems]
const problemsOf = (path: string, text: string) => RULES.flatMap((rule) => rule(path, text))

function sourceFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && EXTENSIONS.has(extname(entry.name)))
      .filter((entry) => !entry.parentPath.includes('node_modules'))
      .map((entry) => posix.join(entry.parentPath.slice(ROOT.length + 1), entry.name)),
  )
}

describe('the tree', () => {
  test('keeps every rule of this file', () => {
    const files = sourceFiles()
    expect(files.length).toBeGreaterThan(50)
    const texts = files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')] as const)
    expect(texts.flatMap(([path, text]) => problemsOf(path, text))).toEqual([])
  })
})

describe('a planted mistake is found', () => {
  const VALUE = (target: string) => `import { thing } from '${target}'\n`
  const TYPE = (target: string) => `import type { Thing } from '${target}'\n`

  test.each([
    ['a stage that imports the next stage', 'src/emit/event.ts', VALUE('../deliver/sink.ts')],
    ['a stage that imports the joining file', 'src/tail/follow.ts', VALUE('../agent.ts')],
    ['the configuration in the catalog', 'src/catalog/a.ts', VALUE('../config/load.ts')],
    ['types of another stage', 'src/emit/event.ts', TYPE('../durable/state.ts')],
    ['values of emit in deliver', 'src/deliver/sink.ts', VALUE('../emit/event.ts')],
    ['values of the native boundary in a stage', 'src/durable/state.ts', VALUE('../native.ts')],
    [
      'inline type names, which load the module',
      'src/tail/a.ts',
      "import { type A } from '../native.ts'\n",
    ],
    ['anything in errors.ts', 'src/errors.ts', VALUE('lmdb')],
    ['a stage in the command line', 'src/cli/run.ts', VALUE('../durable/state.ts')],
    ['source files in the benchmark', 'bench/run.ts', VALUE('../src/index.ts')],
    ['a foreign package in the benchmark', 'bench/run.ts', VALUE('lmdb')],
    ['tests', 'src/agent.ts', VALUE('../test/reference/options.ts')],
    [
      'an import over several lines',
      'src/tail/a.ts',
      "import {\n  a,\n  b,\n} from '../emit/b.ts'\n",
    ],
    ['a re-export', 'src/tail/a.ts', "export * from '../emit/b.ts'\n"],
    ['an import for its side effects', 'src/tail/a.ts', "import '../emit/b.ts'\n"],
    ['a dynamic import', 'src/tail/a.ts', `await ${'import'}('../emit/b.ts')\n`],
    ['an import after a type', 'src/tail/a.ts', `export type A = number\n${VALUE('../emit/b.ts')}`],
    ['a second way to the addon', 'src/tail/a.ts', "require('node-gyp-build')\n"],
    ['a file outside the table', 'src/other.ts', ''],
  ])('TypeScript: %s', (_what, path, text) => {
    expect(problemsOf(path, text)).toHaveLength(1)
  })

  test.each([
    ['base includes parse', 'native/base/a.h', '#include "native/parse/record.h"\n'],
    ['parse includes aggregate', 'native/parse/a.cc', '#include "native/aggregate/totals.h"\n'],
    ['read includes parse', 'native/read/a.cc', '#  include "native/parse/record.h"\n'],
    ['aggregate includes read', 'native/aggregate/a.h', '#include "native/read/file.h"\n'],
    ['engine includes addon', 'native/engine/a.h', '#include "native/addon/value.h"\n'],
    ['engine includes Node-API', 'native/engine/a.cc', '#include <napi.h>\n'],
    ['parse includes Node-API', 'native/parse/a.cc', '#include "napi.h"\n'],
    ['an include that is not from the root', 'native/parse/a.cc', '#include "../base/error.h"\n'],
    ['a folder outside the table', 'native/other/a.cc', ''],
  ])('C++: %s', (_what, path, text) => {
    expect(problemsOf(path, text)).toHaveLength(1)
  })

  test.each([
    ['101 columns', 'src/tail/a.ts', `${'x'.repeat(101)}\n`],
    ['101 columns in C++', 'native/base/a.h', `//${'x'.repeat(99)}\n`],
    ['a marker', 'src/tail/a.ts', `// ${WORDS[0]}: later\n`],
    ['a focused test', 'test/unit/a.test.ts', `test${'.'}only('a', () => {})\n`],
    ['a silenced checker', 'src/tail/a.ts', `// ${'@'}ts-ignore\n`],
    ['401 lines', 'src/tail/a.ts', '\n'.repeat(401)],
    ['an empty name', 'src/tail/utils.ts', ''],
    ['an empty name in C++', 'native/base/types.h', ''],
  ])('text: %s', (_what, path, text) => {
    expect(problemsOf(path, text)).toHaveLength(1)
  })

  test('what is allowed stays allowed', () => {
    const allowed: [string, string][] = [
      ['src/deliver/sink.ts', TYPE('../emit/event.ts') + VALUE('../errors.ts') + VALUE('undici')],
      ['src/tail/a.ts', VALUE('./b.ts') + TYPE('../native.ts') + VALUE('node:fs')],
      ['src/agent.ts', PARTS.map((part) => VALUE(`./${part.slice(4)}a.ts`)).join('')],
      ['src/agent/loop.ts', VALUE('../native.ts') + VALUE('./clock.ts')],
      ['src/cli/bench.ts', `await ${'import'}('../bench/run.js')\n`],
      ['bench/run.ts', VALUE('meter-fast') + VALUE('tinybench') + VALUE('./peers/a.ts')],
      ['native/engine/a.cc', '#include "native/aggregate/totals.h"\n#include <vector>\n'],
      ['native/parse/a.cc', '#include "simdjson.h"\n#include "native/base/error.h"\n'],
      ['native/addon/a.cc', '#include <napi.h>\n#include "native/engine/engine.h"\n'],
      ['test/a.test.ts', `expect(a).toMatchInlineSnapshot(\`\n${'x'.repeat(101)}\n\`)\n`],
      ['src/tail/a.ts', `${'x'.repeat(100)}\n${'\n'.repeat(399)}`],
    ]
    for (const [path, text] of allowed) expect(problemsOf(path, text)).toEqual([])
  })
})
