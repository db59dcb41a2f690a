// `meter-fast bench`: the benchmark lives in bench/, uses the public API and is loaded from here.

import { isStandalone } from '../embedded.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, optionsOf, parseFlags } from './command.ts'
import { BENCH_FLAGS } from './flags.ts'

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
  // The benchmark reads its flags itself; here a mistyped one is told with the one that was meant.
  parseFlags('bench', args, optionsOf(BENCH_FLAGS), false)
  const url = new URL('../bench/run.js', import.meta.url).href
  let module: BenchModule
  try {
    module = (await import(url)) as BenchModule
  } catch (cause) {
    throw new MeterFastError('METER_BUG', `the benchmark does not load from ${url}`, { cause })
  }
  return module.bench(args, io)
}
