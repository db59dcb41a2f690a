// A state that has something of everything, and the logs that it was made of: two generations, five
// windows, a window that is open, usage without a project, quarantined lines, events that were
// accepted.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { Spool } from '../../src/durable/spool.ts'
import { openState, type StateStore } from '../../src/durable/store.ts'
import { stateNative } from '../../src/native.ts'
import type { VerifyReport } from '../../src/verify/verify.ts'
import { line } from '../agent/bills.ts'
import { config, Receiver, scratch } from '../agent/rig.ts'
import { StreamModel } from '../agent/stream-model.ts'
import { logsIn, verify } from './rig.ts'

export const START_MS = Date.UTC(2026, 10, 2, 12)
export const MINUTE_MS = 60_000
export const STREAM = 'file/n1/access.log'

/** What has become of the usage events. */
export type Fate = 'accepted' | 'queued' | 'held' | 'refused'

export interface Scene {
  readonly directory: string
  readonly config: Config
  /** Paths, oldest first. */
  readonly logs: readonly string[]
}

/** The lines of a minute: three projects, one line without any, one that is broken. */
export function minuteLines(minute: number): string[] {
  const atMs = START_MS + minute * MINUTE_MS
  const lines = ['p-a', 'p-b', 'p-c'].flatMap((project, at) =>
    Array.from({ length: 4 }, (_, index) =>
      line(atMs + 1_000 * (at + index), {
        project,
        sent: 100 * (minute + 1) + 10 * at + index,
        received: 7 * index,
        ms: 300 + index,
        more: { request_id: `${minute}-${at}-${index}` },
      }),
    ),
  )
  const nobody = line(atMs, { project: null, route: null, sent: 5 })
  return [...lines, nobody, `{"minute":${minute}\n`]
}

/** Six minutes of log in two generations; the last one is live. */
const SIX_MINUTES = [
  [0, 1, 2],
  [3, 4, 5],
].map((minutes) => minutes.flatMap(minuteLines).join(''))

/** Logs, oldest first, read by an agent that was stopped while the last window was open. */
export async function makeScene(
  fate: Fate = 'accepted',
  contents: readonly string[] = SIX_MINUTES,
): Promise<Scene> {
  const directory = await scratch()
  const settings = config(directory)
  const logs = contents.map((content, at) => {
    const isLive = at === contents.length - 1
    const path = join(directory, isLive ? 'access.log' : `access.log-2026110${at + 1}`)
    writeFileSync(path, content)
    return path
  })
  const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
  const model = await StreamModel.open(settings, place, new Receiver())
  for (let look = 0; look < 4; look += 1) await model.read(Number.MAX_SAFE_INTEGER)
  await model.commit()
  if (fate === 'accepted') await model.deliver()
  await model.commit()
  await model.close()
  const scene = { directory, config: settings, logs }
  if (fate === 'held' || fate === 'refused') await edit(scene, (store) => settle(store, fate))
  return scene
}

function settle(store: StateStore, fate: 'held' | 'refused'): void {
  const spool = new Spool(store)
  for (const { number } of [...spool.queued()]) {
    if (fate === 'held') spool.hold(number)
    else {
      const quarantined = spool.events(number).map(({ id }) => ({ id, reason: 'bad' }))
      spool.settle(number, { accepted: [], quarantined }, START_MS)
    }
  }
}

export async function verifyScene({ directory, config: settings }: Scene): Promise<VerifyReport> {
  return verify(settings, logsIn(directory))
}

/** Changes the state as somebody would who knows its form: every checksum is right. */
export async function edit(
  { config: { state } }: Scene,
  change: (store: StateStore) => void,
): Promise<void> {
  const store = await openState(state.dir, stateNative)
  change(store)
  await store.commit()
  await store.close()
}
