// `meter-fast release`: sends events that are held because there was no state.

import { existsSync } from 'node:fs'
import { releaseHeld } from '../agent-release.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, type Flag, readFlags, usage } from './command.ts'

export const RELEASE_FLAGS = {
  state: { type: 'string', value: 'DIR', sentence: 'the state directory of the stopped agent' },
} as const satisfies Record<string, Flag>

/** @returns the exit code */
export async function release(args: string[], io: CommandIo): Promise<number> {
  const { texts } = readFlags('release', RELEASE_FLAGS, args, io.env)
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
