// `npm run soak`: one test that runs for as long as it is told to.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/soak/*.soak.ts'],
    pool: 'forks',
    // The oracle holds all lines of an hour at once.
    execArgv: ['--max-old-space-size=8192'],
    hookTimeout: 300_000,
    testTimeout: 24 * 3_600_000,
  },
})
