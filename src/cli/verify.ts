// `meter-fast verify`: recomputes from the logs and compares with the state.

import { MeterFastError } from '../errors.ts'
import { type VerifyReport, verifyState } from '../verify/verify.ts'
import { type CommandIo, readFlags, usage, write } from './command.ts'
import { displayOf } from './display.ts'
import { VERIFY_FLAGS } from './flags.ts'
import { findLogs } from './log-paths.ts'
import { Progress } from './progress.ts'
import { verifyJson, verifyText } from './verify-report.ts'

/** @returns the exit code */
export async function verify(args: string[], io: CommandIo): Promise<number> {
  const { texts, lists, given, positionals } = readFlags('verify', VERIFY_FLAGS, args, io.env)
  if (!texts.state) throw usage('verify', 'name the state directory: --state DIR')
  // A shell expands `--logs access*` into one value of the flag and arguments behind it.
  const patterns = [...(lists.logs ?? []), ...positionals]
  if (patterns.length === 0) throw usage('verify', 'name the logs: --logs GLOB...')
  const logs = await findLogs(patterns)
  let progress: Progress | undefined
  const report = await verifyState(texts.state, {
    logs,
    signal: io.signal,
    onBytes: (computed, total) => {
      progress ??= new Progress(io, total)
      progress.add(computed - progress.bytes)
    },
  })
  progress?.end()
  const display = displayOf(io.stdout, io.env)
  const isJson = given.has('json')
  const text = isJson ? verifyJson(report) : verifyText(report, texts.state, display)
  await write(io.stdout, text)
  refuse(report, texts.state)
  return 0
}

/** @throws {MeterFastError} when the report proves less than nothing, or nothing */
function refuse({ differencesTotal, streams }: VerifyReport, state: string): void {
  if (differencesTotal > 0) {
    const what = differencesTotal === 1 ? '1 difference' : `${differencesTotal} differences`
    throw new MeterFastError(
      'METER_CHECK_FAILED',
      `${what} between the logs and the state "${state}", or within the state: see the report. ` +
        'Keep a copy of both before anything is changed.',
    )
  }
  const covered = streams.reduce((sum, { lines }) => sum + lines.covered, 0n)
  const total = streams.reduce((sum, { lines }) => sum + lines.total, 0n)
  if (covered > 0n || total === 0n) return
  throw new MeterFastError(
    'METER_INPUT_MISSING',
    `none of ${total} lines could be computed again: nothing is proven. The report says why; ` +
      'name more of the logs that the agent read.',
  )
}
