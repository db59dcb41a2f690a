// The golden logs through `Meter`: totals equal, and events equal byte for byte, to results that
// two implementations of the contract agree on. Their rules are in test/golden/README.md.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { file, metered } from './metering.ts'

function golden(name: string): Buffer {
  return readFileSync(new URL(`../golden/${name}`, import.meta.url))
}

describe.each(['plain', 'mixed', 'stream', 'cri', 'docker'])('%s', (name) => {
  const log = golden(`${name}.log`)
  const report: unknown = JSON.parse(golden(`${name}.scan.json`).toString())
  const events = golden(`${name}.events.ndjson`)

  test('the totals are those of the golden result', () => {
    expect(metered([log]).scan).toEqual(report)
  })

  test('the events are those of the golden result, to the byte', () => {
    const found = metered([log]).events.map((text) => `${text}\n`)
    expect(found.join('')).toBe(events.toString())
    expect(Buffer.from(found.join('')).equals(events)).toBe(true)
  })

  test('as files that are rotated at line ends, it is the same stream', () => {
    const lines = log.toString('latin1').replace(/\n$/, '').split('\n')
    const cuts = [0, 1, 7, Math.floor(lines.length / 2), lines.length - 1, lines.length]
    const files = cuts.slice(1).map((end, i) => file(...lines.slice(cuts[i], end)))
    const found = metered(files)
    expect(found.events.map((text) => `${text}\n`).join('')).toBe(events.toString())
    expect({ ...found.scan, bytes: log.length }).toEqual(report)
  })
})
