// Every test but the end-to-end ones, which need a real Envoy (`npm run test:e2e`).

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', '**/node_modules/**'],
    // A crash in native code ends one worker, not the whole run.
    pool: 'forks',
    testTimeout: 60_000,
  },
})
