// Where the standalone binary begins: it says where addons may be unpacked before anything loads
// one, then is the command.

import { parseArgs } from 'node:util'
import { loadConfig } from '../config/load.ts'
import { unpackInto } from '../embedded.ts'
import { environmentTwin } from './command.ts'

const OPTIONS = {
  state: { type: 'string' },
  'state-dir': { type: 'string' },
  config: { type: 'string', short: 'c' },
} as const

/** The state directory that the command will use, if it names one. */
function stateDirectory(args: string[], env: NodeJS.ProcessEnv): string | undefined {
  const { values: flags } = parseArgs({ args, options: OPTIONS, strict: false })
  const value = (name: keyof typeof OPTIONS) => flags[name] ?? env[environmentTwin(name)]
  const state = value('state') ?? value('state-dir')
  if (typeof state === 'string') return state
  const config = value('config')
  if (typeof config !== 'string' || config === '') return undefined
  try {
    return loadConfig(config, { env }).state.dir
  } catch {
    // The command reads it again, and says what is wrong with it.
    return undefined
  }
}

const directory = stateDirectory(process.argv.slice(2), process.env)
if (directory) unpackInto(directory)
void import('./main.ts')
