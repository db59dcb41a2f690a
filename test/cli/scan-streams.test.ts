// Which files make a stream, and in which order: pieces of one log, and the layout of pods.

import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { lineMix } from '../reference/line-mix.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { slowScan } from '../reference/slow-scan.ts'
import { datumLine, file, meterFast, scanEvents, useCommand } from './command.ts'

useCommand()

const MIX = lineMix(42, 2000)

/** `count` files of whole lines. */
function split(log: Buffer, count: number): Buffer[] {
  const pieces: Buffer[] = []
  let start = 0
  for (let i = 1; i <= count; i++) {
    const end = i === count ? log.length : log.indexOf('\n', (log.length * i) / count) + 1
    pieces.push(log.subarray(start, end))
    start = end
  }
  return pieces
}

describe('files of one stream', () => {
  test('ten pieces in order are the log that they were cut from', async () => {
    const pieces = split(MIX, 10)
    const names = pieces.map((piece, i) => file(`piece-${i}.log`, piece))
    const { stdout } = await meterFast(['scan', '--json', '--format', 'datum', ...names])
    expect(JSON.parse(stdout)).toEqual(slowScan([MIX]))
    expect(await scanEvents(['--format', 'datum', ...names])).toEqual(slowEvents([MIX]))
  })

  test('each FILE ends a line, parts are joined across', async () => {
    const time = '2026-11-22T12:00:01.5Z stdout'
    const line = datumLine().trimEnd()
    file('part-1.log', `${time} P ${line.slice(0, 50)}\n`)
    file('part-2.log', `${time} F ${line.slice(50)}\n${time} F ${line}`)
    const { stdout } = await meterFast(['scan', '--csv', 'part-1.log', 'part-2.log'])
    expect(stdout).toContain('p-abc,HTTPRoute,ns-6f1c,web,2,3644,22,4280,4\r\n')
  })

  test('--stream changes every id and nothing else', async () => {
    file('mix.log', MIX)
    const args = ['--format', 'datum', 'mix.log']
    const plain = await scanEvents(args)
    const named = await scanEvents(['--stream', 'file/node-7/access.log', ...args])
    expect(plain).toEqual(slowEvents([MIX], { stream: 'scan' }))
    expect(named).toEqual(slowEvents([MIX], { stream: 'file/node-7/access.log' }))
    const ids = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).id as string)
    expect(new Set([...ids(plain), ...ids(named)]).size).toBe(plain.length * 2)
  })

  test.each([
    ['1s', 1_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ] as const)('--window %s', async (window, windowMs) => {
    file('mix.log', MIX)
    const args = ['--format', 'datum', '--window', window, 'mix.log']
    expect(await scanEvents(args)).toEqual(slowEvents([MIX], { windowMs }))
  })
})

describe('the pod layout', () => {
  const uid = (n: number) => `0a1b2c3d-0000-4000-8000-00000000000${n}`
  const cri = (record: string) => `2026-11-22T12:00:01.5Z stdout F ${record}`
  const log = (n: number) => Buffer.from(cri(datumLine({ bytes_sent: n, bytes_received: n })))

  test('each container attempt is a stream of its own, its rotations oldest first', async () => {
    const [a, b] = [`gw_envoy-a_${uid(1)}/envoy`, `gw_envoy-b_${uid(2)}/envoy`]
    const later = Buffer.from(cri(datumLine({ start_time: '2026-11-22T12:05:00Z' })))
    const old = file(`pods/${a}/0.log.20261122-120100.gz`, gzipSync(log(1)))
    const young = file(`pods/${a}/0.log.20261122-120200`, log(2))
    const live = file(`pods/${a}/0.log`, later)
    const next = file(`pods/${a}/1.log`, log(3))
    const other = file(`pods/${b}/0.log`, log(4))
    // Streams are printed by name, whatever the order of the files.
    expect(await scanEvents([other, next, live, young, old])).toEqual([
      ...slowEvents([log(1), log(2), later], { stream: `k8s/${uid(1)}/envoy/0` }),
      ...slowEvents([log(3)], { stream: `k8s/${uid(1)}/envoy/1` }),
      ...slowEvents([log(4)], { stream: `k8s/${uid(2)}/envoy/0` }),
    ])
  })

  test('totals are over all streams; other files are one more stream', async () => {
    const pod = file(`pods/gw_envoy-c_${uid(3)}/envoy/0.log`, log(5))
    const plain = file('plain.log', datumLine({ bytes_sent: 6, bytes_received: 6 }))
    const { stdout } = await meterFast(['scan', '--csv', pod, plain])
    expect(stdout).toContain('p-abc,HTTPRoute,ns-6f1c,web,2,11,11,4280,4\r\n')
    expect(await scanEvents([plain, pod])).toEqual([
      ...slowEvents([log(5)], { stream: `k8s/${uid(3)}/envoy/0` }),
      ...slowEvents([Buffer.from(datumLine({ bytes_sent: 6, bytes_received: 6 }))]),
    ])
  })
})
