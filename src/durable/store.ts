// The ways to get a state: on disk for the one writer, on disk for readers beside it, in memory.
// A state directory holds `state.mdb` (values), `state.mdb-lock` (LMDB's table of readers) and
// `lock` (the pid of the writer, who holds an flock on it). All are private to their user.

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MeterFastError } from '../errors.ts'
import { lockDirectory, prepareDirectory, syncDirectory } from './directory.ts'
import { LmdbBackend, type OpenOptions, type StoreNative } from './lmdb-backend.ts'
import { MemoryBackend } from './memory-backend.ts'
import { StagedStore } from './staged-store.ts'
import type { StateNative, StateReader, StateStore } from './state.ts'
import { upgradeFrom1 } from './upgrade.ts'

export type { StateNative, StateReader, StateStore } from './state.ts'

const FILE_NAME = 'state.mdb'

/**
 * Opens the state in `directory` for its one writer; makes it (0700) when it is missing.
 *
 * @throws {MeterFastError} METER_STATE_LOCKED when another process has it (the message names its
 * pid), METER_STATE_CORRUPT when it is damaged or newer than this version, METER_CONFIG_INVALID
 * when others may write into the directory, METER_DISK when it cannot be used.
 */
export async function openState(directory: string, native: StateNative): Promise<StateStore> {
  prepareDirectory(directory)
  const afterClose = lockDirectory(directory, native)
  const store = await openFile(directory, native, { readOnly: false, afterClose })
  syncDirectory(directory)
  if (store.isOld) await upgrade(store)
  return store
}

async function upgrade(store: StagedStore): Promise<void> {
  try {
    upgradeFrom1(store)
    store.stageUpgrade()
    await store.commit()
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * Opens the state in `directory` to read it, also while its writer runs. Calls of one turn of the
 * event loop see one commit; a later turn sees the newest one.
 *
 * @throws {MeterFastError} METER_INPUT_MISSING when no state is there, METER_STATE_CORRUPT and
 * METER_DISK as openState.
 */
export async function openStateReader(
  directory: string,
  native: Pick<StateNative, 'crc32c'>,
): Promise<StateReader> {
  return await openReadOnly(directory, native, false)
}

/**
 * As openStateReader, but all calls see the commit that is the last one now. While the picture is
 * open its writer cannot use again the pages that it shows, so the file grows: close it soon.
 */
export async function openStatePicture(
  directory: string,
  native: Pick<StateNative, 'crc32c'>,
): Promise<StateReader> {
  return await openReadOnly(directory, native, true)
}

/** Size of the file of the state in `directory`; 0 when there is none. */
export function stateBytes(directory: string): number {
  return statSync(join(directory, FILE_NAME), { throwIfNoEntry: false })?.size ?? 0
}

/** When the state in `directory` was written last: at its last commit; 0 when there is none. */
export function stateWrittenAtMs(directory: string): number {
  return statSync(join(directory, FILE_NAME), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** A state that ends with its process, with every rule of the other but durability. */
export function openMemoryState(): StateStore {
  return new StagedStore(new MemoryBackend())
}

async function openReadOnly(
  directory: string,
  native: Pick<StateNative, 'crc32c'>,
  isPicture: boolean,
): Promise<StateReader> {
  if (!existsSync(join(directory, FILE_NAME))) {
    throw new MeterFastError(
      'METER_INPUT_MISSING',
      `there is no state in "${directory}". Name the state.dir of an agent that has run.`,
    )
  }
  const options = { readOnly: true, isPicture, afterClose: () => undefined }
  const state = await openFile(directory, native, options)
  if (!state.isOld) return state
  await state.close()
  throw new MeterFastError(
    'METER_STATE_CORRUPT',
    `the state in "${directory}" is of an earlier version. Start the agent: it takes it over.`,
  )
}

async function openFile(
  directory: string,
  native: StoreNative,
  options: OpenOptions,
): Promise<StagedStore> {
  let backend: LmdbBackend
  try {
    backend = new LmdbBackend(join(directory, FILE_NAME), native, options)
  } catch (error) {
    options.afterClose()
    throw error
  }
  try {
    return new StagedStore(backend)
  } catch (error) {
    await backend.close()
    throw error
  }
}
