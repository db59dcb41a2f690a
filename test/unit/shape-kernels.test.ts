// The fast path of parsing changes no answer: with each kernel of the line shapes that this CPU can
// run, forced, the built command says of all logs that tests keep what it says without a fast path.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const EXIT_USAGE = 64

function run(kernel: string, ...args: string[]) {
  const env = { ...process.env, METER_FAST_KERNEL: kernel }
  const options = { env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const
  return spawnSync(process.execPath, [MAIN, ...args], options)
}

/** What `describe()` of src/native.ts says. */
function chosen(kernel: string): string {
  const native = new URL('../../dist/native.js', import.meta.url).href
  const script = `import(${JSON.stringify(native)}).then((m) => console.log(m.describe().shapes))`
  const env = { ...process.env, METER_FAST_KERNEL: kernel }
  return spawnSync(process.execPath, ['-e', script], { env, encoding: 'utf8' }).stdout.trim()
}

function logs(): string[] {
  return ['golden', 'fixtures/e2e', 'fixtures/lines', 'fixtures/real-envoy'].flatMap((folder) => {
    const path = fileURLToPath(new URL(`../${folder}`, import.meta.url))
    const names = readdirSync(path).filter((name) => /\.(log|jsonl)$/.test(name))
    return names.sort().map((name) => `${path}/${name}`)
  })
}

/** Kernels of this architecture that this CPU has the instructions for. */
function kernels(): string[] {
  if (process.arch === 'arm64') return ['neon']
  const flags = new Set(
    /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '),
  )
  const has = (...names: string[]) => names.every((name) => flags.has(name))
  const hasWide = has('avx512bw', 'avx512vl', 'avx512dq', 'avx512vbmi', 'avx512_vbmi2')
  return [
    'sse2',
    ...(has('avx2', 'bmi1', 'bmi2', 'popcnt') ? ['avx2'] : []),
    ...(has('avx2') && hasWide ? ['avx512'] : []),
  ]
}

/** Totals and events of all logs as one stream, in both formats that need no project. */
function answers(kernel: string): string[] {
  return ['datum', 'envoy-gateway'].flatMap((format) =>
    ['--json', '--events'].map(
      (form) => run(kernel, 'scan', form, '--format', format, ...logs()).stdout,
    ),
  )
}

describe('METER_FAST_KERNEL', () => {
  let expected: string[]
  beforeAll(() => {
    expected = answers('reference')
  }, 120_000)

  test('reference is a kernel, and its answers are not empty', () => {
    expect(chosen('reference')).toBe('reference')
    expect(expected.at(-1)).toContain('networking.datumapis.com/gateway/requests')
  })

  describe.each(kernels())('%s', (kernel) => {
    test('is the one that runs', () => {
      expect(chosen(kernel)).toBe(kernel)
    })

    test('gives byte-identical totals and events', { timeout: 120_000 }, () => {
      expect(answers(kernel)).toEqual(expected)
    })
  })

  test.each(['AVX2', 'mmx', process.arch === 'arm64' ? 'avx2' : 'neon'])(
    '%s, which this CPU does not have, is refused with the names of those that it has',
    (kernel) => {
      const { status, stderr, stdout } = run(kernel, 'scan', '--json', ...logs().slice(0, 1))
      expect(status).toBe(EXIT_USAGE)
      expect(stdout).toBe('')
      expect(stderr).toContain('METER_FAST_KERNEL')
      expect(stderr).toContain('reference')
    },
  )
})
