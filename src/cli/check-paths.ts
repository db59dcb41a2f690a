// What `check` asks of the machine: may this process read, write and make what the configuration
// names? It opens nothing for writing, makes nothing, and leaves no trace.
//
// Looks at every value that was read, also when others are wrong.

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Problem } from '../config/problems.ts'
import type { Values } from '../config/values.ts'
import { expandPattern, literalDirectory, literalPattern } from './check-glob.ts'

/** Collects problems of keys at the places where they are written. */
class Findings {
  readonly problems: Problem[] = []
  readonly #values: Values

  constructor(values: Values) {
    this.#values = values
  }

  error(key: string, what: string, todo: string): void {
    this.#add('error', key, what, todo)
  }

  warning(key: string, what: string, todo: string): void {
    this.#add('warning', key, what, todo)
  }

  #add(severity: Problem['severity'], key: string, what: string, todo: string): void {
    this.problems.push({ severity, at: this.#values.at(key), key, what, todo })
  }
}

const SECRET_FILES = ['bearer_file', 'creds_file', 'tls.ca_file', 'tls.cert_file', 'tls.key_file']

/** Problems of paths and permissions; a warning where nothing is there yet to be read. */
export async function pathProblems(values: Values): Promise<Problem[]> {
  const findings = new Findings(values)
  const owners = new Map<string, string>()
  for (let index = 0; index < values.length('streams'); index += 1) {
    await checkPods(values, `streams[${index}]`, findings)
    await checkFiles(values, `streams[${index}]`, owners, findings)
  }
  await checkStateDir(values, findings)
  await checkSinkFile(values, findings)
  for (const name of SECRET_FILES) {
    const path = values.get<string>(`sink.${name}`)
    if (path === undefined) continue
    const fault = await fileFault(path, constants.R_OK)
    if (fault !== undefined) findings.error(`sink.${name}`, fault, 'mount a file readable for us')
  }
  return findings.problems
}

async function checkPods(values: Values, stream: string, findings: Findings): Promise<void> {
  const key = `${stream}.root`
  const root = values.get<string>(key)
  if (root === undefined || !(await isListable(root, key, findings))) return
  const namespaces = values.get<string[]>(`${stream}.kubernetes.namespaces`) ?? []
  const containers = values.get<string[]>(`${stream}.kubernetes.containers`) ?? []
  for (const namespace of namespaces) {
    for (const container of containers) {
      const pattern = `${literalPattern(resolve(root))}/${namespace}_*_*/${container}/[0-9]*.log`
      if ((await expandPattern(pattern)).length > 0) continue
      const what = `no container ${container} of namespace ${namespace} has a log here now`
      findings.warning(`${stream}.kubernetes`, what, 'check the names, or ignore it on a new node')
    }
  }
}

async function checkFiles(
  values: Values,
  stream: string,
  owners: Map<string, string>,
  findings: Findings,
): Promise<void> {
  const key = `${stream}.files`
  const seen = new Set<string>()
  for (const pattern of values.get<string[]>(key) ?? []) {
    const absolute = resolve(pattern)
    if (!(await isListable(literalDirectory(absolute), key, findings))) continue
    const paths = await expandPattern(absolute)
    const todo = 'check the pattern, or ignore it until the file is there'
    if (paths.length === 0) findings.warning(key, `${pattern} matches nothing now`, todo)
    for (const path of paths) seen.add(path)
  }
  const sourceId = values.get<string>(`${stream}.source_id`)
  if (sourceId !== undefined) checkOwners(key, sourceId, seen, owners, findings)
}

// Stream names hold the base name only: equal names under one source_id would give equal ids.
function checkOwners(
  key: string,
  sourceId: string,
  paths: ReadonlySet<string>,
  owners: Map<string, string>,
  findings: Findings,
): void {
  for (const path of paths) {
    const name = `file/${sourceId}/${basename(path)}`
    const owner = owners.get(name)
    owners.set(name, owner ?? path)
    if (owner === undefined) continue
    const what = owner === path ? `${path} is read twice` : `${owner} and ${path} are one stream`
    findings.error(key, what, 'give one of them a source_id of its own, or narrow the patterns')
  }
}

async function checkStateDir(values: Values, findings: Findings): Promise<void> {
  const dir = values.get<string>('state.dir')
  if (dir === undefined) return
  const nearest = await nearestExisting(resolve(dir))
  const facts = await stat(nearest)
  const refuse = (what: string, todo: string): void => findings.error('state.dir', what, todo)
  if (!facts.isDirectory()) {
    refuse(`${nearest} is no directory`, 'name a directory')
  } else if (!(await isAllowed(nearest, constants.W_OK | constants.X_OK))) {
    const what = nearest === resolve(dir) ? `${dir} may not be written` : `${dir} cannot be made`
    refuse(`${what}: no right to write in ${nearest}`, 'give this user the right to write there')
  } else if (nearest === resolve(dir)) {
    const uid = process.geteuid?.() ?? facts.uid
    if (facts.uid !== uid) refuse(`${dir} belongs to user ${facts.uid}`, `chown it to user ${uid}`)
    if ((facts.mode & 0o002) !== 0) refuse(`every user may write in ${dir}`, 'run chmod o-w on it')
  }
}

async function checkSinkFile(values: Values, findings: Findings): Promise<void> {
  const path = values.get<string>('sink.path')
  if (path === undefined) return
  const directory = dirname(resolve(path))
  const exists = (await accessFault(path, constants.F_OK)) === undefined
  const fault = exists ? await fileFault(path, constants.W_OK) : undefined
  if (fault !== undefined) findings.error('sink.path', fault, 'name a regular, writable file')
  // A file that is rotated gets a new one at its place.
  if (exists && !values.has('sink.file_bytes_max')) return
  if (!(await isAllowed(directory, constants.W_OK | constants.X_OK))) {
    const what = `${directory} is missing or may not be written`
    findings.error('sink.path', what, 'make the directory, or name another')
  }
}

async function isListable(directory: string, key: string, findings: Findings): Promise<boolean> {
  const facts = await stat(directory).catch(() => undefined)
  const todo = 'check the path and the mounts of the container'
  if (facts === undefined) findings.error(key, `${directory} is missing or out of reach`, todo)
  else if (!facts.isDirectory()) findings.error(key, `${directory} is no directory`, todo)
  else if (!(await isAllowed(directory, constants.R_OK | constants.X_OK))) {
    findings.error(key, `${directory} may not be read`, 'give this user the right to read it')
  } else return true
  return false
}

async function nearestExisting(path: string): Promise<string> {
  const isThere = (await accessFault(path, constants.F_OK)) === undefined
  return isThere || path === '/' ? path : nearestExisting(dirname(path))
}

async function fileFault(path: string, mode: number): Promise<string | undefined> {
  const fault = await accessFault(path, mode)
  if (fault !== undefined) return fault
  return (await stat(path)).isFile() ? undefined : `${path} is no regular file`
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  return (await accessFault(path, mode)) === undefined
}

async function accessFault(path: string, mode: number): Promise<string | undefined> {
  try {
    await access(path, mode)
    return undefined
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isMissing ? `${path} does not exist` : `${path} may not be accessed`
  }
}
