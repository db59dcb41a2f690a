// A generated log and its truth: whatever way the log takes, `scan --json` prints the truth.

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { slowScan } from '../reference/slow-scan.ts'
import { at, file, meterFast, useCommand } from './command.ts'

useCommand()

const FORMATS = ['datum', 'envoy-gateway'] as const
const ENVELOPES = ['raw', 'cri'] as const
const CASES = FORMATS.flatMap((format) => ENVELOPES.map((envelope) => [format, envelope] as const))

describe.each(CASES)('generate --format %s --envelope %s', (format, envelope) => {
  const name = `${format}-${envelope}`

  test('scan --json prints the truth, from a file, .gz, ten files and a pipe', async () => {
    const truthFile = `${name}.truth.json`
    const { code, stdout, stderr } = await meterFast([
      ...['generate', '--lines', '12000', '--projects', '50', '--routes', '300', '--seed', '7'],
      ...['--format', format, '--envelope', envelope, '--truth', truthFile],
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const truth = JSON.parse(readFileSync(at(truthFile), 'utf8'))
    const log = Buffer.from(stdout)
    // The oracle has the truth too, so that both cannot be wrong in the same way.
    expect(slowScan([log], { format, envelope })).toEqual(truth)

    const lines = stdout.split(/(?<=\n)/)
    const tenth = Math.ceil(lines.length / 10)
    const pieces = Array.from({ length: 10 }, (_, i) =>
      file(`${name}-${i}.log`, lines.slice(i * tenth, (i + 1) * tenth).join('')),
    )
    const ways: readonly (readonly string[])[] = [
      [file(`${name}.log`, log)],
      [file(`${name}.log.gz`, gzipSync(log))],
      pieces,
      ['-'],
    ]
    for (const files of ways) {
      const input = files[0] === '-' ? log : ''
      const scanned = await meterFast(['scan', '--json', ...files], { input })
      expect(JSON.parse(scanned.stdout)).toEqual(truth)
      expect({ code: scanned.code, stderr: scanned.stderr }).toEqual({ code: 0, stderr: '' })
    }
  })
})

test('equal flags give equal bytes, another seed gives others', async () => {
  const make = async (seed: string) =>
    (await meterFast(['generate', '--lines', '500', '--seed', seed])).stdout
  expect(await make('1')).toBe(await make('1'))
  expect(await make('2')).not.toBe(await make('1'))
})
