// The report for people, as the screens of test/cli/screens: no line is too wide, figures are
// whole, and the parts below a row add up to its difference.

import { beforeAll, describe, test } from 'vitest'
import { file, meterFast, useCommand } from '../cli/command.ts'
import { expectScreen, WIDTHS } from '../cli/screens.ts'
import { Traffic } from './traffic.ts'
import { vectorFile } from './vector.ts'

useCommand()

const LOG = new Traffic()
  .add(40, { duration: 2500 })
  .add(3, { request_id: null, bytes_sent: 123_456_789 })
  .add(7, { project_name: 'p-a-project-with-a-name-of-fifty-characters-in-all-50' })
  .log()

beforeAll(async () => {
  file('access.log', LOG)
  file('vector.ndjson', vectorFile(LOG))
  file('usage.ndjson', (await meterFast(['scan', '--events', 'access.log'])).stdout)
}, 120_000)

async function report(columns: number, ...flags: string[]): Promise<string> {
  const args = ['compare', 'vector.ndjson', 'usage.ndjson', ...flags]
  return (await meterFast(args, { env: { COLUMNS: String(columns) } })).stdout
}

describe.each(WIDTHS)('on %i columns', (columns) => {
  test('explained by the log', async () => {
    await expectScreen('compare', columns, await report(columns, '--logs', 'access.log'))
  })

  test('hour by hour, with causes left out', async () => {
    const flags = ['--logs', 'access.log', '--by-hour', '--causes', 'sub-second']
    await expectScreen('compare-unexplained', columns, await report(columns, ...flags))
  })

  test('by the events alone', async () => {
    await expectScreen('compare-events', columns, await report(columns))
  })
})
