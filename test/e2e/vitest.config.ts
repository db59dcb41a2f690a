// `npm run test:e2e`: the tests that need a real Envoy. They are named `*.e2e.ts`, so that a plain
// `vitest run` never starts them by accident.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/e2e/*.e2e.ts'],
    // The first run downloads Envoy (about 35 MB) inside the hook.
    hookTimeout: 300_000,
    testTimeout: 60_000,
  },
})
