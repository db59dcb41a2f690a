// `meter-fast release`: sends events that are held because there was no state.

import { existsSync } from 'node:fs'
import { releaseHeld } from '../agent-release.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, readFlags, usage } from './command.ts'
import { RELEASE_FLAGS } from './flags.ts'

/** @returns the exit code */
export async function release(args: string[], io: CommandIo): Promise<number> {
  const { texts, positionals } = readFlags('release', RELEASE_FLAGS, args, io.env)
  if (positionals.length > 0) throw usage('release', `it takes no argument "${positionals[0]}"`)
  if (!texts.state) throw usage('release', 'name the state directory: --state DIR')
  // Opening a state that is not there would make it: a misspelt name must not.
  if (!existsSync(texts.state)) {
    throw new MeterFastError(
      'METER_INPUT_MISSING',
      `there is no state in ${texts.state}: name the state.dir of the stopped agent`,
    )
  }
  const released = await releaseHeld(texts.state)
  io.stdout.write(`${released}\n`)
  io.stderr(`meter-fast: ${released} events released; the agent sends them when it runs\n`)
  return 0
}
