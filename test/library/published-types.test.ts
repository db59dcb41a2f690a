// The published types, as a strict project sees them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useProject } from './project.ts'

const project = useProject()

test('promise and refuse what published-types.ts says', () => {
  const text = readFileSync(join(import.meta.dirname, 'published-types.ts'), 'utf8')
  project.write('types.ts', text)
  project.compile()
})

test('a wrong promise is found', () => {
  project.write('types.ts', "import { Meter } from 'meter-fast'\nnew Meter({ streams: 's' })\n")
  expect(() => project.compile()).toThrow(/types\.ts\(2,\d+\): error TS/)
})
