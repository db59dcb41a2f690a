// Which files that a look opened are which generations.
//
// Every listed file is held open: as one of the generations, or as a copy of one. So between
// two looks an inode cannot come to mean another file, and content decides only about files
// that are seen for the first time, or again after a restart.

import { basename } from 'node:path'
import type { Generation } from './generation.ts'
import type { GenerationFile } from './generation-file.ts'
import type { GenerationList } from './generation-list.ts'
import { isSameFile, provesSame, type Verdict } from './identity.ts'
import type { Look } from './look.ts'
import { observe } from './observe.ts'
import { type TailProblem, unreadable } from './problem.ts'
import { isGzip, withoutGzip } from './rotation.ts'

/**
 * A file at a rotated name without a complete line may be a copy that begins; when nothing was
 * written to it for so long, it is none.
 */
const COPY_BEGINS_MS = 2_000

/** What became of a file: a part of the list, not decided yet, or only if nothing else fits. */
type Adoption = 'kept' | 'undecided' | 'cut'

interface Listed {
  readonly name: string
  /** Place among the names of the look, by age. */
  readonly listed: number
  /** What it was before it was compressed is still listed. */
  readonly unpacked: boolean
}

/**
 * Finds out what each newly opened file is: a .gz after every plain file, because it may be a
 * copy of one; those with the inode of known content before others, which may be copies of them;
 * then by age. One that is not what was read, or not all of it, comes last: the whole file may be
 * there too.
 */
export async function adoptOpened(
  list: GenerationList,
  seen: Look,
  refused: TailProblem[],
): Promise<void> {
  const names = [...seen.keys.keys()]
  const ageOf = ({ key }: GenerationFile): number =>
    names.findLastIndex((name) => seen.keys.get(name) === key)
  const looked = list.all.filter((one) => one.file === undefined && one.isProven)
  const wanted = looked.map((one) => one.known())
  const isWanted = (file: GenerationFile): boolean => wanted.some((one) => isSameFile(one, file))
  const rankOf = (file: GenerationFile): number =>
    Number(file.compressed) * 2 + Number(!isWanted(file))
  const files = [...seen.opened].sort((a, b) => rankOf(a) - rankOf(b) || ageOf(a) - ageOf(b))
  const cut: GenerationFile[] = []
  const adopt = async (file: GenerationFile, mayBeCut: boolean): Promise<void> => {
    const listed = ageOf(file)
    const name = names[listed] ?? basename(file.path)
    const unpacked = isGzip(name) && names.includes(withoutGzip(name))
    const place = { name, listed, unpacked }
    const adoption = await adoptFile(list, file, place, mayBeCut).catch((error: unknown) => {
      refused.push(unreadable(file.path, error))
      return 'undecided' as const
    })
    if (adoption === 'cut') cut.push(file)
    if (adoption !== 'undecided') return
    list.settled = false
    await file.close()
  }
  for (const file of files) await adopt(file, false)
  for (const file of cut) await adopt(file, true)
  for (const one of list.all) one.fresh = false
}

async function adoptFile(
  list: GenerationList,
  file: GenerationFile,
  { name, listed, unpacked }: Listed,
  mayBeCut: boolean,
): Promise<Adoption> {
  const { changedAtMs } = file.facts()
  const live = name === list.place.liveName
  const { verdict, head } = await observe(file, name, live, list.all)
  if ((verdict.kind === 'shrunk' || verdict.kind === 'regrown') && !mayBeCut) return 'cut'
  if (verdict.kind === 'waiting') {
    if (unpacked || Date.now() - changedAtMs < COPY_BEGINS_MS) return 'undecided'
  }
  const known = 'generation' in verdict ? list.byNumber(verdict.generation) : undefined
  if (known === undefined) {
    const one = list.create(file, listed, name)
    one.prove(head)
    // Found late, it would wait for the end of the live file, and the live file's windows for it.
    one.finished = head.length === 0 && (await file.isEmptyGzip())
    return 'kept'
  }
  if (verdict.kind === 'copy') {
    known.copies.push(file)
    return 'kept'
  }
  known.name = name
  known.listed = listed
  known.live = live
  if (known.finished) goOnWithFinished(list, known, file, verdict.kind, head)
  else await goOnWith(list, known, file, verdict.kind, head)
  return 'kept'
}

/** The file of a generation that is read is there again, under whatever name. */
async function goOnWith(
  list: GenerationList,
  one: Generation,
  file: GenerationFile,
  kind: Verdict['kind'],
  head: Uint8Array,
): Promise<void> {
  const { offset } = one
  const { sizeBytes } = file.facts()
  if (kind === 'regrown') {
    const start = await file.lineStart(offset)
    list.gap(one, 'shrunk', one.sameBytes(head), start, start - offset)
    list.succeed(one, file, start, head)
  } else if (kind !== 'shrunk') {
    goOnWithAll(list, one, file, head)
  } else if (one.cut || file.compressed) {
    // Nobody appends to a copy: what it has was read.
    list.lose(one, one.cut ? 'truncated' : 'damaged')
    one.hold(file)
  } else {
    list.gap(one, 'shrunk', sizeBytes, offset, 0)
    list.succeed(one, file, sizeBytes, head)
  }
}

/** What was read of it is as it was. */
function goOnWithAll(
  list: GenerationList,
  one: Generation,
  file: GenerationFile,
  head: Uint8Array,
): void {
  const end = file.compressed ? one.readOffset : file.facts().sizeBytes
  if (one.cut) list.gap(one, 'truncated', end, null, 0)
  noteUnreadLoss(list, one, head)
  if (one.file !== undefined) one.copies.push(one.file)
  one.goOnIn(file, head)
  if (!one.started) list.order(one)
}

/** Lines that were seen when it was committed, were not read, and are other lines by now. */
function noteUnreadLoss(list: GenerationList, one: Generation, head: Uint8Array): void {
  const end = one.known().proofBytes
  const from = Math.max(one.offset, one.sameBytes(head))
  if (from < end) list.gap(one, 'shrunk', from, end, end - from)
}

/** It is read no more, unless it was given up before its end, or lies where writers write. */
function goOnWithFinished(
  list: GenerationList,
  one: Generation,
  file: GenerationFile,
  kind: Verdict['kind'],
  head: Uint8Array,
): void {
  const { offset, live } = one
  const { sizeBytes } = file.facts()
  if (one.file !== undefined) one.copies.push(one.file)
  const hasRest = one.lost && kind === 'continue' && (file.compressed || sizeBytes > offset)
  if (hasRest) list.succeed(one, file, offset, head)
  else if (live && kind === 'shrunk') {
    list.gap(one, 'shrunk', sizeBytes, offset, 0)
    list.succeed(one, file, sizeBytes, head)
  } else one.goOnIn(file, head)
}

/** The first line of a file that was empty: the same content may have been written back. */
export async function recognize(list: GenerationList, one: Generation): Promise<void> {
  const { file, name, listed } = one
  if (file === undefined || one.started) return
  const head = await file.head()
  const isKnown = list.all.some((other) => !other.file && provesSame(other.known(), head))
  if (!isKnown || one.repeats) return
  const { all } = list
  list.remove(one)
  try {
    await adoptFile(list, file, { name, listed, unpacked: false }, true)
  } catch (error) {
    list.all = all
    throw error
  }
}
