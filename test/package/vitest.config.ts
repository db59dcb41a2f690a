// `npm run test:package`: the npm package as a user gets it. Needs the npm registry for what the
// package depends on, and once for the runtimes.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/package/*.pack.ts'],
    globalSetup: ['test/package/packed.ts'],
    pool: 'forks',
    // Installing is bound by the disk: two at a time are not faster.
    fileParallelism: false,
    hookTimeout: 300_000,
    testTimeout: 180_000,
  },
})
