// The report for people, in displays of 40, 80 and 120 columns: no line is too wide, figures are
// whole, and the parts below a row add up to its difference.

import { beforeAll, describe, expect, test } from 'vitest'
import { tooWide } from '../cli/cells-wide.ts'
import { file, meterFast, useCommand } from '../cli/command.ts'
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

describe.each([40, 80, 120])('in %i columns', (columns) => {
  test('no line is too wide', async () => {
    expect(tooWide(await report(columns), columns)).toEqual([])
    expect(tooWide(await report(columns, '--logs', 'access.log', '--by-hour'), columns)).toEqual([])
  })
})

test('40 columns', async () => {
  expect(await report(40)).toMatchInlineSnapshot(`
    "pipeline: vector.ndjson: 181 events
    ours: usage.ndjson: 190 events

    PROJECT  METER                DIFFERENCE
    p-shop   connecti…-seconds           +20
               unexplained               +20
    p-shop   egress-bytes       +370,370,367
               unexplained      +370,370,367
    p-shop   ingress-bytes               +30
               unexplained               +30
    p-shop   requests                     +3
               unexplained                +3

    3 rows without any difference

    Billed by both, but by the pipeline
      under a hard-coded gateway,
      gateway_class, gateway_namespace,
      region:
    PROJECT          METER            AMOUNT
    p-a-pro…-all-50  egress-bytes      7,000
    p-a-pro…-all-50  ingress-bytes        70
    p-a-pro…-all-50  requests              7
    p-shop           connect…seconds      80
    p-shop           egress-bytes     40,000
    p-shop           ingress-bytes       400
    p-shop           requests             40

    hard-coded-dimensions: The pipeline
      writes fixed values into dimensions.
    not computed, because only the logs tell
      (--logs): sub-second, other-routes,
      missing-ids, invalid-json, no-project,
      partial-records, other-hour
    unexplained: 4 rows
    "
  `)
})

test('80 columns, explained by the log', async () => {
  expect(await report(80, '--logs', 'access.log')).toMatchInlineSnapshot(`
    "pipeline: vector.ndjson: 181 events
    ours: usage.ndjson: 190 events
    logs: 50 lines

    PROJECT  METER               PIPELINE         OURS    DIFFERENCE
    p-shop   connection-seconds        80          100           +20
               sub-second                                        +20
    p-shop   egress-bytes          40,000  370,410,367  +370,370,367
               missing-ids                              +370,370,367
    p-shop   ingress-bytes            400          430           +30
               missing-ids                                       +30
    p-shop   requests                  40           43            +3
               missing-ids                                        +3

    3 rows without any difference

    Billed by both, but by the pipeline under a hard-coded gateway, gateway_class,
      gateway_namespace, region:
    PROJECT                                               METER               AMOUNT
    p-a-project-with-a-name-of…ifty-characters-in-all-50  egress-bytes         7,000
    p-a-project-with-a-name-of…ifty-characters-in-all-50  ingress-bytes           70
    p-a-project-with-a-name-of…ifty-characters-in-all-50  requests                 7
    p-shop                                                connection-seconds      80
    p-shop                                                egress-bytes        40,000
    p-shop                                                ingress-bytes          400
    p-shop                                                requests                40

    sub-second: +20 connection-seconds. The pipeline rounds the seconds of each
      request down, so that less than one bills nothing.
    missing-ids: +370,370,367 egress-bytes, +30 ingress-bytes, +3 requests. The
      pipeline drops lines without request_id.
    hard-coded-dimensions: The pipeline writes fixed values into dimensions.
    unexplained: nothing
    "
  `)
})

test('120 columns, hour by hour, without a cause', async () => {
  const flags = ['--logs', 'access.log', '--by-hour', '--causes', 'sub-second']
  expect(await report(120, ...flags)).toMatchInlineSnapshot(`
    "pipeline: vector.ndjson: 181 events
    ours: usage.ndjson: 190 events
    logs: 50 lines

    HOUR               PROJECT  METER               PIPELINE         OURS    DIFFERENCE
    2026-11-22T12:00Z  p-shop   egress-bytes          40,000  370,410,367  +370,370,367
                                  unexplained                              +370,370,367
    2026-11-22T12:00Z  p-shop   ingress-bytes            400          430           +30
                                  unexplained                                       +30
    2026-11-22T12:00Z  p-shop   requests                  40           43            +3
                                  unexplained                                        +3
    2026-11-22T12:00Z  p-shop   connection-seconds        80          100           +20
                                  sub-second                                        +20

    3 rows without any difference

    Billed by both, and no cause explains that the pipeline has another gateway, gateway_class,
      gateway_namespace, region:
    PROJECT                                                METER               AMOUNT
    p-a-project-with-a-name-of-fifty-characters-in-all-50  egress-bytes         7,000
    p-a-project-with-a-name-of-fifty-characters-in-all-50  ingress-bytes           70
    p-a-project-with-a-name-of-fifty-characters-in-all-50  requests                 7
    p-shop                                                 connection-seconds      80
    p-shop                                                 egress-bytes        40,000
    p-shop                                                 ingress-bytes          400
    p-shop                                                 requests                40

    sub-second: +20 connection-seconds. The pipeline rounds the seconds of each request down, so that
      less than one bills nothing.
    unexplained: 10 rows
    "
  `)
})
