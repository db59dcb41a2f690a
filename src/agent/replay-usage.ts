// Bills usage that had no project when its lines were read, now that somebody knows whose it is.
//
// Unattributed usage is kept by (reason, raw project, raw route) and window. Rows that a map gives
// a project become a replayed piece of their segment; the same step takes them out of the
// unattributed pages.

import { Counters } from '../durable/counters.ts'
import { readSettings } from '../durable/history.ts'
import { ledgerRow } from '../durable/ledger.ts'
import {
  type PieceName,
  readUnattributed,
  replaceUnattributed,
  unattributedKeys,
} from '../durable/records.ts'
import type { StateReader, StateStore } from '../durable/state.ts'
import { rawText, readRoute } from '../emit/route.ts'
import { type UnattributedRow, type UsageRow, unattributedRows } from '../emit/usage-page.ts'
import { writeUnattributedPage } from '../emit/usage-page-writer.ts'
import { MeterFastError } from '../errors.ts'
import type { Done } from './replay.ts'
import { type ReplayedSegment, stageReplay } from './replay-piece.ts'
import { presentSettings, type StreamSettings } from './sources.ts'
import { sumByKey } from './sums.ts'

/** Whose usage it is. */
export interface ProjectMap {
  /** By the namespace of the route: for usage whose line named no project. */
  readonly namespaces: Readonly<Record<string, string>>
  /** By the text that stood for a project and was none. */
  readonly projects: Readonly<Record<string, string>>
}

interface UsageReplay {
  readonly fromMs: number
  readonly toMs: number
  readonly map: ProjectMap
}

/** One piece is one step. */
export function* replayUsage(
  store: StateStore,
  { fromMs, toMs, map }: UsageReplay,
  nowMs: number,
): Generator<Done> {
  for (const keys of keysByPiece(store, fromMs, toMs)) {
    const rows = replayPiece(store, keys, map, nowMs)
    if (rows.length === 0) continue
    const requests = rows.reduce((sum, row) => sum + row.requests, 0n)
    new Counters(store).add('requests_replayed', Number(requests))
    yield { pieces: 1, requests: Number(requests) }
  }
}

/** Keys of unattributed pages, those of one piece together, oldest window first. */
function keysByPiece(store: StateReader, fromMs: number, toMs: number): string[][] {
  const byPiece = new Map<string, string[]>()
  for (const key of unattributedKeys(store, fromMs, toMs)) {
    const piece = key.slice(0, key.lastIndexOf('/'))
    const keys = byPiece.get(piece)
    if (keys === undefined) byPiece.set(piece, [key])
    else keys.push(key)
  }
  return [...byPiece.values()]
}

/**
 * Stages the replay of what the map knows of one piece; gives the rows that it bills. Everything is
 * read before anything is staged: a damaged page must not leave half of a piece in both places.
 */
function replayPiece(
  store: StateStore,
  keys: readonly string[],
  map: ProjectMap,
  nowMs: number,
): UsageRow[] {
  const billed: UsageRow[] = []
  const left: { key: string; piece: PieceName; rows: UnattributedRow[] }[] = []
  let segment: ReplayedSegment | undefined
  for (const key of keys) {
    const unattributed = readUnattributed(store, key)
    if (unattributed === undefined) continue
    const { piece, page } = unattributed
    segment ??= segmentOf(store, piece)
    const dimensions = lineDimensionsOf(store, segment.settings)
    const rows: UnattributedRow[] = []
    for (const row of unattributedRows(page)) {
      const usage = billedRow(row, map, dimensions)
      if (usage === undefined) rows.push(row)
      else billed.push(usage)
    }
    left.push({ key, piece, rows })
  }
  const rows = sumByKey(billed)
  if (segment === undefined || rows.length === 0) return []
  stageReplay(store, segment, rows, nowMs)
  for (const { key, piece, rows: rest } of left) {
    replaceUnattributed(
      store,
      key,
      piece,
      rest.length > 0 ? writeUnattributedPage(rest) : undefined,
    )
  }
  return rows
}

/** The ledger knows with which settings the piece was read, unless an older version read it. */
function segmentOf(store: StateReader, piece: PieceName): ReplayedSegment {
  const row = ledgerRow(store, piece)
  if (row === undefined) {
    const what = `unattributed usage of ${piece.stream} has no row in the ledger`
    throw new MeterFastError('METER_BUG', `${what}; please report it`)
  }
  const { stream, epoch, windowStartMs, windowMs } = row
  const settings = row.settings || (presentSettings(store, stream) ?? '')
  return { stream, epoch, windowStartMs, windowMs, settings }
}

function lineDimensionsOf(store: StateReader, settings: string): number {
  return readSettings<StreamSettings>(store, settings)?.rules.lineDimensions.length ?? 0
}

/** The row as usage of the project that the map names; undefined when it names none. */
function billedRow(
  row: UnattributedRow,
  map: ProjectMap,
  lineDimensions: number,
): UsageRow | undefined {
  const { reason, project: rawProject, route: rawRoute, ...amounts } = row
  const route = readRoute(rawText(rawRoute))
  const text = rawText(rawProject)
  const project =
    (text !== undefined ? own(map.projects, text) : undefined) ??
    (reason === 'bad_project' ? undefined : own(map.namespaces, route.namespace))
  if (project === undefined) return undefined
  // What the lines said of these was not kept.
  const dimensions = Array.from({ length: lineDimensions }, () => undefined)
  return { ...amounts, ...route, project, dimensions }
}

function own(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined
}
