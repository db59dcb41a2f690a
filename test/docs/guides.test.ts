// docs/getting-started.md runs as it stands, from a log to a proven bill; the links of the guides
// lead somewhere.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Traffic } from '../compare/traffic.ts'
import { blocksOf, describeDocument, type Place } from './runner.ts'

const STARTING = 'docs/getting-started.md'

const LOG = new Traffic()
  .add(1234, { bytes_sent: 1000, bytes_received: 10, duration: 60 })
  .add(66, { project_name: 'p-blog', bytes_sent: 50_000, duration: 1000 })
  .log()

function prepare({ directory }: Place): void {
  writeFileSync(join(directory, 'access.log'), LOG)
  const [config = ''] = blocksOf(STARTING, 'yaml')
  writeFileSync(join(directory, 'own.yaml'), config)
}

const NUMBERS = /^p-blog +HTTPRoute\/ns-6f1c\/web +66 .*\np-shop +HTTPRoute\/ns-6f1c\/web +1,234 /m

/** It ran twice; every event is there once. */
async function isBilledOnce({ directory, run }: Place): Promise<void> {
  const billed = readFileSync(join(directory, 'usage.ndjson'), 'utf8').split('\n').length
  const wanted = (await run('meter-fast scan --events access.log')).split('\n').length
  expect(billed).toBe(wanted)
}

describeDocument({
  path: STARTING,
  prepare,
  before: [['verify', isBilledOnce]],
  prints: [
    ['meter-fast scan access.log', NUMBERS],
    ['--json', /"project":"p-shop",.*"requests":"1234","egressBytes":"1234000"/],
    ['scan -c own.yaml', NUMBERS],
    ['check -c own.yaml', /^own\.yaml: ok/m],
    ['head -n 1', /^\{"specversion":"1\.0","id":"/],
    ['verify', /^no difference$/m],
    ['verify', /1,?300 read = 1,?300 metered/],
  ],
})

describeDocument({ path: 'docs/faq.md', prints: [] })
describeDocument({ path: 'docs/how-it-works.md', prints: [] })
describeDocument({ path: 'docs/metrics.md', prints: [] })
