// `meter-fast bench`: the benchmark lives in bench/, uses the public API and is loaded from here.

import { isStandalone } from '../embedded.ts'
import { MeterFastError } from '../errors.ts'
import type { CommandIo } from './command.ts'

interface BenchModule {
  bench(args: string[], io: CommandIo): Promise<number>
}

/** @returns the exit code: 1 when an answer was wrong */
export async function bench(args: string[], io: CommandIo): Promise<number> {
  if (isStandalone) {
    throw new MeterFastError(
      'METER_USAGE',
      'the benchmark starts scripts and is not in this binary; the npm package has it: ' +
        'npx meter-fast bench',
    )
  }
  const url = new URL('../bench/run.js', import.meta.url).href
  let module: BenchModule
  try {
    module = (await import(url)) as BenchModule
  } catch (cause) {
    throw new MeterFastError('METER_BUG', `the benchmark does not load from ${url}`, { cause })
  }
  return module.bench(args, io)
}
