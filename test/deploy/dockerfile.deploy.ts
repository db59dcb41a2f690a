// The Dockerfile as hadolint reads it.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratch } from '../agent/rig.ts'
import { DEPLOY } from './manifests.ts'
import { hadolint, outcomeOf } from './tools.ts'

test('the Dockerfile has no finding', async () => {
  const { code, stdout } = await outcomeOf(await hadolint(), [`${DEPLOY}Dockerfile`])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
})

test('a finding is one: an image without a version', async () => {
  const path = join(await scratch(), 'Dockerfile')
  writeFileSync(path, 'FROM node:latest\nUSER 65532:0\n')
  const { code, stdout } = await outcomeOf(await hadolint(), [path])
  expect(code).toBe(1)
  expect(stdout).toContain('DL3007')
})
