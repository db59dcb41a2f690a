// `npm run test:crash` and `npm run test:kill-storm`: tests that kill real agents. They are named
// `*.crash.ts`, so that a plain `vitest run` never starts them by accident.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/crash/*.crash.ts'],
    // They use all cores by themselves, and one must not slow down the other.
    fileParallelism: false,
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
})
