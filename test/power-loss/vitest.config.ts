// `npm run test:power-loss`: what a power cut and flipped bits leave of a state. The files are
// named `*.power.ts`, because they need strace, and take longer than a plain `vitest run` should.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/power-loss/*.power.ts'],
    pool: 'forks',
    hookTimeout: 120_000,
    // A full run (METER_FAST_FULL=1) takes as long as it takes.
    testTimeout: 3_600_000,
  },
})
