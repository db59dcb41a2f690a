// Which logs are generations of one stream, by their paths: the pod layout as the agent sees it,
// and plain files that are rotations of one another.

import { basename, dirname } from 'node:path'
import { byAge, podLog } from '../meter/streams.ts'
import { isRotationOf } from '../tail/rotation.ts'
import type { Input } from './event-set.ts'

/** The logs of each stream, oldest first; streams in the order of their first log. */
export function logStreams(logs: readonly Input[]): Input[][] {
  const streams = new Map<string, { readonly liveName: string; readonly logs: Input[] }>()
  for (const log of logs) {
    const pod = podLog(log.path)
    const liveName = pod?.liveName ?? liveNameOf(log.path, logs)
    const name = pod?.stream ?? `${dirname(log.path)}/${liveName}`
    const stream = streams.get(name) ?? { liveName, logs: [] }
    stream.logs.push(log)
    streams.set(name, stream)
  }
  return [...streams.values()].map(({ liveName, logs: members }) => {
    const order = byAge(liveName)
    return members.sort((a, b) => order(a.path, b.path))
  })
}

/** The shortest name beside it that this one is a rotation of, or its own. */
function liveNameOf(path: string, logs: readonly Input[]): string {
  const own = basename(path)
  const beside = logs.filter((log) => dirname(log.path) === dirname(path))
  const names = beside.map((log) => basename(log.path)).filter((name) => isRotationOf(name, own))
  return names.sort((a, b) => a.length - b.length)[0] ?? own
}
