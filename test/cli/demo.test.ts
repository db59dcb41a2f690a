// `npm start` is `meter-fast demo`: the whole path without a server, compared to the unit.

import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const METERS = ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds']

/** Meter and amount of the lines `<meter>: written <n> = metered <n> = received <n>`. */
function equalMeters(stdout: string): string[][] {
  const form = /^([a-z-]+): written (\d+) = metered \2 = received \2$/gm
  return [...stdout.matchAll(form)].map(([, meter = '', amount = '']) => [meter, amount])
}

describe('demo', () => {
  test('written = metered = received on every meter, exit 0 within 20 s', async () => {
    const startedAtMs = Date.now()
    file('demo-tmp/kept')
    const { code, stdout, stderr } = await meterFast(['demo'], { env: { TMPDIR: at('demo-tmp') } })
    expect(equalMeters(stdout).map(([meter]) => meter)).toEqual(METERS)
    expect(stdout).not.toContain('DIFFERS')
    expect(code).toBe(0)
    expect(stderr).toContain('killed by SIGKILL, started again')
    // Nothing is left behind.
    expect(readdirSync(at('demo-tmp'))).toEqual(['kept'])
    expect(Date.now() - startedAtMs).toBeLessThan(20_000)
  })

  test("of the user's file gives that file's amounts", async () => {
    // Long ago: an event of the future would wait for its time.
    const lines = Array.from({ length: 30 }, (_, i) =>
      datumLine({ project_name: `p-${i % 3}`, start_time: '2020-02-29T12:00:01Z' }),
    )
    const log = file('mine.log', lines.join(''))
    const { code, stdout } = await meterFast(['demo', log])
    expect(equalMeters(stdout)).toEqual([
      ['requests', '30'],
      ['egress-bytes', String(30 * 1822)],
      ['ingress-bytes', '330'],
      // Whole seconds of each of the three keys: 10 lines of 2,140 ms.
      ['connection-seconds', '63'],
    ])
    expect(code).toBe(0)
  })
})
