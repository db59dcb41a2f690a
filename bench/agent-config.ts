// Configurations of agents that are measured: plain files in one directory, events to a file.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface AgentPaths {
  readonly config: string
  readonly usage: string
}

/** Writes the configuration of an agent that follows `logs`; `name` keeps agents apart. */
export async function writeAgentConfig(
  directory: string,
  name: string,
  logs: readonly string[],
  more: object = {},
): Promise<AgentPaths> {
  const config = join(directory, `${name}.yaml`)
  const usage = join(directory, `${name}.ndjson`)
  const streams = [{ files: logs, source_id: 'bench', format: 'datum' }]
  const state = { dir: join(directory, `${name}.state`), reserve_bytes: '0B' }
  const rest = { on_missing_state: 'backfill', ...more }
  const text = { streams, state, sink: { type: 'file', path: usage }, ...rest }
  // JSON is YAML.
  await writeFile(config, JSON.stringify(text))
  return { config, usage }
}

/** The requests that the usage events of a file bill. */
export function requestsIn(usage: string): bigint {
  let requests = 0n
  for (const line of usage.split('\n')) {
    if (!line.includes('/requests"')) continue
    const { data } = JSON.parse(line) as { data: { value: string } }
    requests += BigInt(data.value)
  }
  return requests
}

/** The requests that `scan --json` must print, of all totals. */
export function requestsOf(truth: unknown): bigint {
  const { totals } = truth as { totals: readonly { readonly requests: string }[] }
  return totals.reduce((sum, { requests }) => sum + BigInt(requests), 0n)
}
