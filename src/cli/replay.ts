// `meter-fast replay`: bills what was not billed once its cause is mended, or sends again what the
// sink lost. What it did is printed as one JSON object.

import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Operation } from '../agent/replay.ts'
import type { ProjectMap } from '../agent/replay-usage.ts'
import { carryOut } from '../agent/requests.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, type ParsedFlags, readFlags, usage } from './command.ts'
import { REPLAY_FLAGS } from './flags.ts'
import { WAITING } from './release.ts'
import { timeMs } from './time.ts'

type Flags = ParsedFlags<keyof typeof REPLAY_FLAGS>

const KINDS = ['unattributed', 'quarantined', 'rejected', 'accepted'] as const
/** DESIGN 4.5. */
const PROJECT = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** @returns the exit code */
export async function replay(args: string[], io: CommandIo): Promise<number> {
  const flags = readFlags('replay', REPLAY_FLAGS, args, io.env)
  const { texts, positionals } = flags
  if (positionals.length > 0) throw usage('replay', `it takes no argument "${positionals[0]}"`)
  if (!texts.state) throw usage('replay', 'name the state directory: --state DIR')
  const operation = operationOf(flags)
  if (operation.kind === 'accepted') io.stderr(RESENDS)
  const options = {
    nowMs: Date.now(),
    signal: io.signal,
    onWait: () => io.stderr(WAITING),
  }
  const done = await carryOut(texts.state, operation, options)
  io.stdout.write(`${JSON.stringify({ replay: operation.kind, ...done })}\n`)
  if (Object.keys(done).length === 0) io.stderr('meter-fast: there was nothing to replay\n')
  return 0
}

const RESENDS =
  'meter-fast: accepted events are sent again with the same ids; a sink that has forgotten ids ' +
  'bills them twice: look at sink_dedup_window\n'

function operationOf(flags: Flags): Operation {
  const kinds = KINDS.filter((kind) => flags.given.has(kind))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) {
    throw usage('replay', `choose one of ${KINDS.map((one) => `--${one}`).join(', ')}`)
  }
  const { texts } = flags
  const fromMs = texts.from ? timeMs('replay', 'from', texts.from) : 0
  const toMs = texts.to ? timeMs('replay', 'to', texts.to) : Number.MAX_SAFE_INTEGER
  switch (kind) {
    case 'quarantined':
      return { kind, ...(texts.reason && { reason: texts.reason }) }
    case 'rejected':
      return { kind, ...(texts.project && { project: texts.project }) }
    case 'accepted':
      if (!texts.from || !texts.to) throw usage('replay', '--accepted needs --from and --to')
      return { kind, fromMs, toMs }
    case 'unattributed':
      return { kind, fromMs, toMs, map: mapOf(flags) }
  }
}

function mapOf({ texts }: Flags): ProjectMap {
  const file = texts.map ? readMap(texts.map) : { namespaces: {}, projects: {} }
  const map: ProjectMap = {
    namespaces: { ...file.namespaces, ...pairs('namespaces', texts.namespaces) },
    projects: { ...file.projects, ...pairs('projects', texts.projects) },
  }
  const targets = [...Object.values(map.namespaces), ...Object.values(map.projects)]
  if (targets.length === 0) {
    throw usage('replay', '--unattributed needs a map: --namespaces, --projects or --map FILE')
  }
  for (const project of targets) {
    if (PROJECT.test(project)) continue
    throw usage('replay', `"${project}" is no project: lower case letters, digits and dashes`)
  }
  return map
}

/** `ns-1=p-a,ns-2=p-b` */
function pairs(flag: string, text = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const pair of text.split(',').filter(Boolean)) {
    const at = pair.indexOf('=')
    if (at < 1) throw usage('replay', `--${flag} is written as KEY=PROJECT,..., not "${pair}"`)
    found[pair.slice(0, at).trim()] = pair.slice(at + 1).trim()
  }
  return found
}

/** A YAML file with `namespaces` and `projects`, each a map of texts to projects. */
function readMap(path: string): ProjectMap {
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const why = (cause as Error).message
    throw new MeterFastError('METER_INPUT_MISSING', `the map ${path} cannot be read: ${why}`, {
      cause,
    })
  }
  const { namespaces = {}, projects = {}, ...rest } = (content ?? {}) as Record<string, unknown>
  const isMap = (value: unknown): value is Record<string, string> =>
    typeof value === 'object' && Object.values(value ?? {}).every((one) => typeof one === 'string')
  if (!isMap(namespaces) || !isMap(projects) || Object.keys(rest).length > 0) {
    const form = 'namespaces: { NAMESPACE: PROJECT }, projects: { TEXT: PROJECT }'
    throw new MeterFastError('METER_CONFIG_INVALID', `the map ${path} is not of the form ${form}`)
  }
  return { namespaces, projects }
}
