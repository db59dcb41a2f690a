// Lets events go that are held because there was no state (DESIGN 6). It takes the state's lock,
// so the agent must be stopped; its next run sends what is released.

import { Spool } from './durable/spool.ts'
import { openState } from './durable/store.ts'
import { stateNative } from './native.ts'

/** Batches of one commit. */
const SLICE_BATCHES = 1000

/**
 * Releases all held events of the state in `directory`; resolves to their number.
 * @throws {MeterFastError} METER_STATE_LOCKED while an agent runs on it, and as `Agent.run`.
 */
export async function releaseHeld(directory: string): Promise<number> {
  const store = await openState(directory, stateNative)
  try {
    const spool = new Spool(store)
    let released = 0
    for (let some = spool.release(SLICE_BATCHES); some > 0; some = spool.release(SLICE_BATCHES)) {
      released += some
      await store.commit()
    }
    return released
  } finally {
    await store.close()
  }
}
