// Every simdjson kernel that this machine can run says the same: the golden results, from the built
// command line, with the kernel forced by simdjson's own environment variable.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
}

function run(kernel: string, ...args: string[]): string {
  const env = { ...process.env, SIMDJSON_FORCE_IMPLEMENTATION: kernel }
  return execFileSync(process.execPath, [MAIN, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** The kernels of this architecture that this CPU has the instructions for. */
function kernels(): string[] {
  if (process.arch === 'arm64') return ['arm64', 'fallback']
  const flags = new Set(
    /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '),
  )
  const has = (...names: string[]) => names.every((name) => flags.has(name))
  return [
    ...(has('avx2', 'bmi1', 'bmi2', 'pclmulqdq') ? ['haswell'] : []),
    ...(has('sse4_2', 'pclmulqdq') ? ['westmere'] : []),
    'fallback',
  ]
}

describe.each(kernels())('the %s kernel', (kernel) => {
  test('is the one that runs', () => {
    expect(run(kernel, '--version')).toContain(kernel)
  })

  test.each(['plain', 'mixed', 'stream', 'cri', 'docker'])(
    'says what the golden result of %s says',
    (name) => {
      const format = ['--format', 'datum'] as const
      const report = JSON.parse(run(kernel, 'scan', '--json', ...format, golden(`${name}.log`)))
      expect(report).toEqual(JSON.parse(readFileSync(golden(`${name}.scan.json`), 'utf8')))
      const events = run(kernel, 'scan', '--events', ...format, golden(`${name}.log`))
      expect(events).toBe(readFileSync(golden(`${name}.events.ndjson`), 'utf8'))
    },
  )
})
