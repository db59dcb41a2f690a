// Finds the streams of a configured source: which exist now, and which files each one has.
//
// Promises: results are sorted and depend on names alone; nothing is opened; what is not a
// regular file below the configured root is a problem, never followed; one file belongs to one
// stream, whatever links lead to it (claim.ts), and two files never share a stream's name.

import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Claims } from './claim.ts'
import { findPlaces } from './glob.ts'
import { attemptOf, type StreamPlace, selectListing } from './listing.ts'
import { isMissing, problemOf, type TailProblem, unreadable } from './problem.ts'
import { liveNames } from './rotation.ts'

/** Where logs are, as configured (DESIGN 5.1). */
export type StreamSource =
  /** Plain files: patterns of live paths, see glob.ts. */
  | { readonly kind: 'files'; readonly patterns: readonly string[]; readonly sourceId: string }
  /** The kubelet's layout below `root`; only these namespaces and containers are read. */
  | {
      readonly kind: 'kubernetes'
      readonly root: string
      readonly namespaces: readonly string[]
      readonly containers: readonly string[]
    }

export interface DiscoveredStream extends StreamPlace {
  /** Absolute paths of its generations, oldest first; the live path last, if it exists now. */
  readonly generations: readonly string[]
}

export interface Discovery {
  /** In order of sources, patterns, directories and names; attempts by number. */
  readonly streams: readonly DiscoveredStream[]
  /** Everything that is wrong now; ProblemLog tells what is new. */
  readonly problems: TailProblem[]
}

interface Findings {
  readonly streams: DiscoveredStream[]
  readonly problems: TailProblem[]
}

/** Between two turns of the event loop. */
const PODS_AT_ONCE = 64
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const POD = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/
const UID = /^[A-Za-z0-9](?:[-A-Za-z0-9]{0,126}[A-Za-z0-9])?$/

/** Reads `<namespace>_<pod>_<uid>`; undefined for a name that is not exactly that. */
export function parsePodDirectory(
  name: string,
): { namespace: string; pod: string; uid: string } | undefined {
  const [namespace, pod, uid, ...rest] = name.split('_')
  if (namespace === undefined || pod === undefined || uid === undefined) return undefined
  const valid = LABEL.test(namespace) && POD.test(pod) && UID.test(uid) && rest.length === 0
  return valid ? { namespace, pod, uid } : undefined
}

/**
 * Entries sorted by name; none, and perhaps a problem, when the directory cannot be listed. Not
 * async: this runs every second, and the thread pool costs ten times as much CPU as the calls.
 */
function list(directory: string, problems: TailProblem[]): Dirent[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (!isMissing(error)) problems.push(unreadable(directory, error))
    return []
  }
}

function addStream(place: StreamPlace, entries: readonly Dirent[], found: Findings): void {
  const { names, problems } = selectListing(place, entries)
  found.problems.push(...problems)
  if (names.length === 0) return
  const generations = names.map((name) => join(place.directory, name))
  found.streams.push({ ...place, generations })
}

async function discoverPattern(pattern: string, sourceId: string, found: Findings): Promise<void> {
  const places = await findPlaces(pattern)
  found.problems.push(...places.problems)
  for (const directory of places.directories) {
    const entries = list(directory, found.problems)
    const names = entries.map(({ name }) => name)
    for (const liveName of liveNames(names, places.name)) {
      const stream = `file/${sourceId}/${liveName}`
      addStream({ stream, directory, liveName, attempt: undefined }, entries, found)
    }
  }
}

/** A directory of the pods layout that is to be listed: there, no link, no file. */
function isRealDirectory(path: string, problems: TailProblem[]): boolean {
  try {
    const stats = lstatSync(path)
    if (stats.isSymbolicLink()) {
      problems.push(problemOf(path, 'symlink', 'is a symbolic link and is not followed'))
    }
    return stats.isDirectory()
  } catch (error) {
    if (!isMissing(error)) problems.push(unreadable(path, error))
    return false
  }
}

function discoverContainer(
  directory: string,
  uid: string,
  container: string,
  found: Findings,
): void {
  if (!isRealDirectory(directory, found.problems)) return
  const entries = list(directory, found.problems)
  const attempts = new Set<number>()
  for (const { name } of entries) {
    const attempt = attemptOf(name)
    if (attempt !== undefined) attempts.add(attempt)
  }
  for (const attempt of [...attempts].sort((a, b) => a - b)) {
    const stream = `k8s/${uid}/${container}/${attempt}`
    addStream({ stream, directory, liveName: `${attempt}.log`, attempt }, entries, found)
  }
}

async function discoverPods(
  source: Extract<StreamSource, { kind: 'kubernetes' }>,
  found: Findings,
): Promise<void> {
  let pods = 0
  for (const entry of list(source.root, found.problems)) {
    const path = join(source.root, entry.name)
    const pod = parsePodDirectory(entry.name)
    if (pod === undefined) {
      const text = 'is not named <namespace>_<pod>_<uid> and is not read'
      found.problems.push(problemOf(path, 'pod_name', text))
      continue
    }
    if (!source.namespaces.includes(pod.namespace)) continue
    if (!isRealDirectory(path, found.problems)) continue
    pods += 1
    if (pods % PODS_AT_ONCE === 0) await setImmediate()
    for (const container of [...new Set(source.containers)].sort()) {
      discoverContainer(join(path, container), pod.uid, container, found)
    }
  }
}

/**
 * What is there now. A source that does not exist yet has no streams; that is no problem.
 * @throws {MeterFastError} METER_CONFIG_INVALID: a pattern is wrong, or two live paths would
 * share one stream name.
 */
export async function discover(source: StreamSource): Promise<Discovery> {
  return discoverAll([source])
}

/** As discover(), over all sources of a configuration: names must differ over all of them. */
export async function discoverAll(sources: readonly StreamSource[]): Promise<Discovery> {
  const claims = new Claims<DiscoveredStream>()
  const problems: TailProblem[] = []
  for (const source of sources) {
    const found: Findings = { streams: [], problems: [] }
    if (source.kind === 'kubernetes') await discoverPods(source, found)
    else {
      for (const pattern of source.patterns) {
        await discoverPattern(pattern, source.sourceId, found)
      }
    }
    problems.push(...found.problems)
    for (const stream of found.streams) claims.add(stream)
  }
  const { streams, linked } = claims.settle()
  return { streams, problems: [...problems, ...linked] }
}

/** Directories whose changes may mean new streams or bytes: what a Waker should watch. */
export function watchedDirectories(
  sources: readonly StreamSource[],
  streams: readonly StreamPlace[],
): string[] {
  const directories = new Set(streams.map(({ directory }) => directory))
  for (const source of sources) {
    if (source.kind === 'kubernetes') directories.add(resolve(source.root))
  }
  return [...directories].sort()
}
