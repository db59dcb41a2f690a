// `meter-fast explain`: which files, byte ranges and usage events made a number.

import { explainUsage } from '../verify/explain.ts'
import { type CommandIo, readFlags, usage, write } from './command.ts'
import { displayOf } from './display.ts'
import { explainJson, explainText } from './explain-report.ts'
import { EXPLAIN_FLAGS } from './flags.ts'
import { findLogs } from './log-paths.ts'
import { timeMs } from './time.ts'

/** @returns the exit code */
export async function explain(args: string[], io: CommandIo): Promise<number> {
  const { texts, lists, given, positionals } = readFlags('explain', EXPLAIN_FLAGS, args, io.env)
  const { state, project, window } = texts
  if (!state) throw usage('explain', 'name the state directory: --state DIR')
  if (!project) throw usage('explain', 'name the project: --project NAME')
  if (!window) throw usage('explain', 'name a time in the window: --window TIME')
  const atMs = timeMs('explain', 'window', window)
  // A shell expands `--logs access*` into one value of the flag and arguments behind it.
  const patterns = [...(lists.logs ?? []), ...positionals]
  if (positionals.length > 0 && !lists.logs?.length) {
    throw usage('explain', `it takes no argument "${positionals[0]}" without --logs`)
  }
  const logs = patterns.length > 0 ? { logs: await findLogs(patterns) } : {}
  const explanation = await explainUsage(state, { project, atMs, ...logs })
  const { proseColumns } = displayOf(io.stdout, io.env)
  const text = given.has('json')
    ? explainJson(explanation)
    : explainText(explanation, atMs, proseColumns)
  await write(io.stdout, text)
  return 0
}
