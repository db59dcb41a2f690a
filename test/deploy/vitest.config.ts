// `npm run test:deploy`: the tests of deploy/ that need kubectl, promtool and hadolint. They are
// named `*.deploy.ts`, so that a plain `vitest run` never starts them by accident.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/deploy/*.deploy.ts'],
    globalSetup: ['test/deploy/install.ts'],
    // One hook copies what an image holds.
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
})
