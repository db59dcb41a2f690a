// `npm run test:chaos`: sink chaos that takes minutes. These tests are named `*.chaos.ts`, so that
// a plain `vitest run` leaves them out; what is quick in this folder is named `*.test.ts`.

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/chaos/*.chaos.ts'],
    pool: 'forks',
    // Memory is measured after a collection.
    execArgv: ['--expose-gc'],
    // One after another: they kill, measure memory, and wait for processes.
    fileParallelism: false,
    testTimeout: 900_000,
  },
})
