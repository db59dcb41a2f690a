// The log of an agent, for the command that runs one: the form that the configuration names, or the
// one that fits what stderr is.

import type { Config } from '../config/config.ts'
import { type Log, makeLog } from '../observe/log.ts'

export type { Log } from '../observe/log.ts'

/** `isTerminal`: people read it now. `write` gets whole lines. */
export async function agentLog(
  { logForm, logLevel }: Config['observe'],
  isTerminal: boolean,
  write: (text: string) => void,
): Promise<Log> {
  const form = logForm === 'auto' ? (isTerminal ? 'text' : 'json') : logForm
  return await makeLog({ form, level: logLevel, write })
}
