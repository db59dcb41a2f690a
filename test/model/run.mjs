// `npm run test:model -- --sequences 100000 --seed 1`: Node cannot run TypeScript, so the command
// and its workers are loaded as the tests are. They do their work while they are loaded.

import { runnerImport } from 'vite'

const name = process.send === undefined ? 'command.ts' : 'worker.ts'
const path = new URL(name, import.meta.url).pathname
await runnerImport(path, { configFile: false, logLevel: 'error' })
