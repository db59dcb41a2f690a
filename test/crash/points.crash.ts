// What the sweeps count as points is all that there is: strace, which sees every system call, finds
// the same ones, and no other way to change a file or to write to a peer.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratch } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { buildFaults } from './faulty-agent.ts'
import { type Story, tell } from './story.ts'
import { kindOf } from './sweep.ts'

const CHANGING = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg', 'sendmmsg'],
  ...['sendfile', 'splice', 'vmsplice', 'copy_file_range', 'io_uring_enter', 'io_submit'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'msync', 'sync_file_range'],
  ...['ftruncate', 'truncate', 'fallocate', 'openat', 'openat2', '?open', '?creat'],
  ...['?mkdir', 'mkdirat', '?rename', '?renameat', 'renameat2', '?unlink', 'unlinkat', '?rmdir'],
  ...['?link', 'linkat', '?symlink', 'symlinkat'],
]
const canTrace = spawnSync('strace', ['-f', 'true']).status === 0
if (!canTrace) console.log('strace is missing or not allowed: points are not compared with it')

/** `[pid] call(fd<path>, ...` or `[pid] call("path", ...`; the second half of a call has none. */
const CALL = /^\d+ +(\w+)\((?:AT_FDCWD(?:<[^>]*>)?, )?(?:(\d+)<([^>]*)>|"([^"]*)")/

test.runIf(canTrace).each<Story>([
  { log: 'dated', sink: 'file', follows: false },
  { log: 'pod', sink: 'gateway', follows: false },
])('strace sees the same points in a run with a $sink sink', async (story) => {
  await build()
  const directory = await scratch()
  const trace = join(directory, 'trace')
  const filter = ['-e', `trace=${CHANGING.join(',')}`, '-y', '-s', '0']
  const before = ['strace', '-f', '--seccomp-bpf', '-o', trace, ...filter]
  const told = await tell(story, { library: buildFaults(directory), seed: 1, before })
  expect(told.problems).toEqual([])
  expect(told.points.length).toBeGreaterThan(20)
  const seen = readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => kindsIn(line))
  expect(seen.sort()).toEqual(told.points.map(kindOf).sort())
})

/** The kind of a call as the points name it; none for what is no point. */
function kindsIn(line: string): string[] {
  const [, call = '', fd, target, path = target ?? ''] = CALL.exec(line) ?? []
  if (fd !== undefined && Number(fd) <= 2) return []
  if (path.startsWith('socket:')) return [`${call} socket`]
  const inStory = /^.*?\/meter-fast-crash-\w+\/?(.*)$/.exec(path)
  const isLog = path.includes('/points-')
  if (inStory === null || isLog) return []
  if (call !== 'openat') return [`${call} ${inStory[1] || '.'}`]
  return /O_CREAT|O_TRUNC/.test(line) ? [`open ${inStory[1]}`] : []
}
