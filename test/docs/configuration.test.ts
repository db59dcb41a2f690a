// docs/configuration.md is what the table of fields says. When it is not: `npm run docs`.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configurationPage, misplacedFields } from './configuration-page.ts'
import { describeDocument, ROOT } from './runner.ts'

test('every key of the configuration is in one section', () => {
  expect(misplacedFields()).toEqual([])
})

test('the page is the table of fields', async () => {
  await expect(configurationPage()).toMatchFileSnapshot(join(ROOT, 'docs/configuration.md'))
})

describeDocument({ path: 'docs/configuration.md', prints: [] })
