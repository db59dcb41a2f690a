// `meter-fast release`: lets events go that are held because there was no state, or because
// nobody knows whether the sink has them.

import { carryOut } from '../agent/requests.ts'
import { type CommandIo, readFlags, usage } from './command.ts'
import { RELEASE_FLAGS } from './flags.ts'
import { grouped } from './quantities.ts'

/** @returns the exit code */
export async function release(args: string[], io: CommandIo): Promise<number> {
  const { texts, positionals } = readFlags('release', RELEASE_FLAGS, args, io.env)
  if (positionals.length > 0) throw usage('release', `it takes no argument "${positionals[0]}"`)
  if (!texts.state) throw usage('release', 'name the state directory: --state DIR')
  const { events = 0 } = await carryOut(
    texts.state,
    { kind: 'release' },
    { nowMs: Date.now(), signal: io.signal, onWait: () => io.stderr(WAITING) },
  )
  io.stdout.write(`${events}\n`)
  io.stderr(`meter-fast: ${grouped(events)} events released; the agent sends them\n`)
  return 0
}

export const WAITING = 'meter-fast: an agent runs on this state and does it beside its work\n'
