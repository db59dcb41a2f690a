// A damaged .gz: its whole lines before the damage count, an error names it, exit 74.

import { deflateRawSync, gunzipSync, gzipSync, constants as zlib } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { lineMix } from '../reference/line-mix.ts'
import { slowScan } from '../reference/slow-scan.ts'
import { datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const LINES = Buffer.from(
  Array.from({ length: 4000 }, (_, i) =>
    datumLine({ bytes_sent: i * i, request_id: (i * 2654435761).toString(36) }),
  ).join(''),
)
const GZIP = gzipSync(LINES)

/** What is left of a text that ends somewhere: no half line. */
function wholeLines(text: Buffer): Buffer {
  return text.subarray(0, text.lastIndexOf('\n') + 1)
}

async function scan(files: readonly string[], flags: readonly string[] = []) {
  const { code, stdout, stderr } = await meterFast(['scan', '--json', ...flags, ...files])
  return { code, stderr, report: stdout === '' ? undefined : JSON.parse(stdout) }
}

/** Amounts and counts, without the size, in which the half line of the damage is seen. */
function counted(report: { lines: unknown; totals: unknown }) {
  return { lines: report.lines, totals: report.totals }
}

describe('scan of a .gz', () => {
  test('that is whole counts as the file that it was', async () => {
    file('whole.gz', GZIP)
    const outcome = await scan(['whole.gz'])
    expect(outcome).toEqual({ code: 0, stderr: '', report: slowScan([LINES]) })
  })

  test('of several members is one file, also when a line goes over the seam', async () => {
    const log = lineMix(11, 400)
    const cuts = [0, 1000, 1001, 50_000, log.length]
    const members = cuts.slice(1).map((end, i) => gzipSync(log.subarray(cuts[i], end)))
    file('members.gz', Buffer.concat(members))
    const { code, report } = await scan(['members.gz'], ['--format', 'datum'])
    expect({ code, report }).toEqual({ code: 0, report: slowScan([log]) })
  })

  test('that was cut counts every whole line that can still be read', async () => {
    const cut = GZIP.subarray(0, GZIP.length >> 1)
    const readable = gunzipSync(cut, { finishFlush: zlib.Z_SYNC_FLUSH })
    file('cut.gz', cut)
    const { code, stderr, report } = await scan(['cut.gz'])
    expect(counted(report)).toEqual(counted(slowScan([wholeLines(readable)])))
    expect(report.lines.read).toBeGreaterThan(1000)
    expect(code).toBe(74)
    expect(stderr).toMatch(/^meter-fast: METER_INPUT_DAMAGED: cut\.gz is damaged: unexpected end/)
  })

  test('that is spoilt in the middle counts what comes before it', async () => {
    // Raw blocks with a sync flush between, then one of the block type that does not exist.
    const half = LINES.subarray(0, 100_000)
    const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    const good = deflateRawSync(half, { finishFlush: zlib.Z_SYNC_FLUSH })
    file('spoilt.gz', Buffer.concat([head, good, Buffer.from([0x07]), GZIP.subarray(1000)]))
    const { code, stderr, report } = await scan(['spoilt.gz'])
    expect(counted(report)).toEqual(counted(slowScan([wholeLines(half)])))
    expect(code).toBe(74)
    expect(stderr).toMatch(/^meter-fast: METER_INPUT_DAMAGED: spoilt\.gz is damaged: invalid block/)
  })

  test('with a wrong checksum counts its lines and says that they may be wrong', async () => {
    const wrong = Buffer.from(GZIP)
    wrong.writeUInt32LE(wrong.readUInt32LE(wrong.length - 8) ^ 1, wrong.length - 8)
    file('checksum.gz', wrong)
    const { code, stderr, report } = await scan(['checksum.gz'])
    expect(counted(report)).toEqual(counted(slowScan([LINES])))
    expect(code).toBe(74)
    expect(stderr).toContain('checksum.gz is damaged: incorrect data check')
  })

  test('with something else behind it counts its lines, exit 74', async () => {
    file('trailing.gz', Buffer.concat([GZIP, Buffer.from('not compressed\n')]))
    const { code, stderr, report } = await scan(['trailing.gz'])
    expect(report).toEqual(slowScan([LINES]))
    expect(code).toBe(74)
    expect(stderr).toContain('trailing.gz is damaged: incorrect header check')
  })

  test('that is none, or empty, is named, and the other files are still read', async () => {
    file('none.gz', LINES)
    file('empty.gz')
    file('rest.log', LINES)
    const { code, stderr, report } = await scan(['none.gz', 'empty.gz', 'rest.log'])
    expect(counted(report)).toEqual(counted(slowScan([LINES])))
    expect(code).toBe(74)
    const named = [...stderr.matchAll(/METER_INPUT_DAMAGED: (\S+) is damaged/g)]
    expect(named.map(([, name]) => name)).toEqual(['none.gz', 'empty.gz'])
  })

  test('that is damaged exits 74 also with --strict', async () => {
    const torn = Buffer.concat([LINES, Buffer.from('{"torn\n')])
    file('torn.gz', gzipSync(torn).subarray(0, -4))
    const { code, report } = await scan(['torn.gz'], ['--strict'])
    expect({ code, quarantined: report.lines.quarantined }).toEqual({
      code: 74,
      quarantined: { malformed: 1 },
    })
  })
})
