// docs/metrics.md says what the tables of metrics and signals say. `-u` writes it.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metricsDocument } from '../../src/observe/document.ts'
import { METRICS } from '../../src/observe/metric-table.ts'

const DOCUMENT = '../../docs/metrics.md'

test('docs/metrics.md is made of the tables', async () => {
  await expect(metricsDocument()).toMatchFileSnapshot(DOCUMENT)
})

test('every metric has one row in it', () => {
  const text = readFileSync(new URL(DOCUMENT, import.meta.url), 'utf8')
  const names = [...text.matchAll(/^\| `((?:meter_fast|process)_\w+)`/gm)].map(([, name]) => name)
  expect(names).toEqual(Object.values(METRICS).map(({ name }) => name))
})
