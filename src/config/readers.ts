// One reader per kind of field: a node of the file becomes a plain value, or a problem.
//
// Numbers that a flag or `${NAME}` brings are text, so text that is a number counts as one.

import { AMOUNT_NAMES, type MeterAmount } from '../catalog/catalog.ts'
import type { Field, FieldKind } from './fields.ts'
import { formatProblems, keyProblems } from './formats.ts'
import type { FormatMap, LineDimension } from './presets.ts'
import { oneOf, type Report, shown, suggestion } from './problems.ts'
import { child, isBroken, plain, type Tree } from './source.ts'
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.ts'

/** A dimension of the configuration before texts and keys of lines are told apart. */
export type DimensionValue = string | LineDimension

/**
 * Reads a node that is not broken itself; undefined when it or something in it is wrong, which
 * `report` was told.
 */
export type Reader = (node: Tree, field: Field, report: Report) => unknown

/** Dimensions that are made from project and route (DESIGN 5.4). */
export const RESERVED_DIMENSIONS: readonly string[] = [
  'project_name',
  'httproute_name',
  'httproute_namespace',
  'grpcroute_name',
  'grpcroute_namespace',
]

const DIMENSION_NAME_BYTES_MAX = 63
const DIMENSION_BYTES_MAX = 256

export const READERS: Readonly<Record<FieldKind, Reader>> = {
  duration: (node, field, report) => {
    const value = parseDurationMs(textOf(node))
    if (value !== undefined) return bounded(value, formatDuration, node, field, report)
    const todo = 'write a whole number with ms, s, m or h, such as 60s'
    return report(node.at, node.path, `${seen(node)} is no duration`, todo)
  },
  size: (node, field, report) => {
    const value = parseSizeBytes(textOf(node))
    if (value !== undefined) return bounded(value, formatSize, node, field, report)
    const todo = 'write bytes, or a whole number with KiB, MiB, GiB or TiB, such as 10GiB'
    return report(node.at, node.path, `${seen(node)} is no size`, todo)
  },
  count: (node, field, report) => {
    const text = textOf(node)
    if (/^\d{1,15}$/.test(text)) return bounded(Number(text), String, node, field, report)
    return report(node.at, node.path, `${seen(node)} is no count`, 'write a whole number')
  },
  choice: (node, field, report) => {
    const text = textOf(node)
    if (field.choices?.includes(text)) return text
    const todo = `choose ${oneOf(field.choices ?? [])}`
    return report(node.at, node.path, `${seen(node)} is not known`, todo)
  },
  text: (node, field, report) => readText(node, field, report),
  url: (node, _field, report) => readUrl(node, report),
  list: (node, field, report) => readList(node, field, report),
  format: (node, _field, report) => readFormat(node, report),
  dimensions: (node, _field, report) => readDimensions(node, report),
  amounts: (node, _field, report) => readAmounts(node, report),
}

function bounded(
  value: number,
  format: (value: number) => string,
  node: Tree,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Field,
  report: Report,
): number | undefined {
  if (value >= min && value <= max) return value
  const side = value < min ? `below ${format(min)}` : `above ${format(max)}`
  const todo = `choose ${format(min)} to ${format(max)}`
  report(node.at, node.path, `${format(value)} is ${side}`, todo)
  return undefined
}

function readText(node: Tree, field: Field, report: Report): string | undefined {
  if (node.kind === 'broken') return undefined
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    report(node.at, node.path, `${seen(node)} is no text`, 'write a text; put numbers in quotes')
    return undefined
  }
  if (field.pattern === undefined || new RegExp(field.pattern).test(node.value)) return node.value
  report(node.at, node.path, `${seen(node)} does not fit`, field.patternTodo ?? 'write another')
  return undefined
}

function readList(node: Tree, field: Field, report: Report): string[] | undefined {
  if (node.kind !== 'list') {
    report(node.at, node.path, `${seen(node)} is no list`, 'write [a, b]')
    return undefined
  }
  if (node.items.length === 0 && field.default === undefined) {
    report(node.at, node.path, 'the list is empty', field.patternTodo ?? 'name at least one')
    return undefined
  }
  const texts = node.items.map((item) => readText(numberAsText(item), field, report))
  const good = texts.filter((text) => text !== undefined)
  return good.length === texts.length ? good : undefined
}

// A response code is a number to YAML; any other list of texts refuses it by its pattern.
function numberAsText(node: Tree): Tree {
  return node.kind === 'scalar' && typeof node.value === 'number'
    ? { ...node, value: String(node.value) }
    : node
}

// The text of a URL is never shown: it may hold a password.
function readUrl(node: Tree, report: Report): string | undefined {
  const text = textOf(node)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    report(node.at, node.path, 'it is no URL', 'write http://HOST:PORT or https://HOST:PORT')
    return undefined
  }
  if (url.username !== '' || url.password !== '') {
    report(node.at, node.path, 'it holds a name or password', 'use bearer_file or tls instead')
    return undefined
  }
  if (url.search !== '' || url.hash !== '' || /[?#]$/.test(text)) {
    report(node.at, node.path, 'a sink URL has no ? and no #', 'end it before them')
    return undefined
  }
  return url.href.endsWith('/') && !text.endsWith('/') ? url.href.slice(0, -1) : url.href
}

function readFormat(node: Tree, report: Report): string | FormatMap | undefined {
  const spec = plain(node)
  const problems = formatProblems(spec)
  for (const { key, what, todo } of problems) {
    const at = node.kind === 'map' ? node.entries.find((entry) => entry.key === key)?.keyAt : null
    report(at ?? node.at, key === '' ? node.path : `${node.path}.${key}`, what, todo)
  }
  return problems.length > 0 || isBroken(node) ? undefined : (spec as string | FormatMap)
}

function readDimensions(node: Tree, report: Report): Map<string, DimensionValue> | undefined {
  if (node.kind !== 'map') {
    report(node.at, node.path, `${seen(node)} is no map`, 'write name: text')
    return undefined
  }
  const read = new Map<string, DimensionValue>()
  for (const { key, keyAt, value } of node.entries) {
    const path = value.path
    if (RESERVED_DIMENSIONS.includes(key)) {
      report(keyAt, path, 'it is made from the project and the route', 'remove it')
    } else if (key === '' || Buffer.byteLength(key) > DIMENSION_NAME_BYTES_MAX) {
      report(keyAt, path, 'a name has 1 to 63 bytes', 'choose another name')
    } else {
      const dimension = readDimension(key, value, report)
      if (dimension !== undefined) read.set(key, dimension)
    }
  }
  return read.size === node.entries.length ? read : undefined
}

function readDimension(name: string, node: Tree, report: Report): DimensionValue | undefined {
  if (node.kind === 'broken') return undefined
  if (node.kind === 'map') return readLineDimension(name, node, report)
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    const todo = 'write a text (numbers in quotes), or { from: KEY }'
    report(node.at, node.path, `${seen(node)} is no text`, todo)
    return undefined
  }
  const bytes = Buffer.byteLength(node.value)
  if (bytes >= 1 && bytes <= DIMENSION_BYTES_MAX) return node.value
  report(node.at, node.path, `it has ${bytes} bytes`, 'write 1 to 256 bytes, or remove it')
  return undefined
}

function readLineDimension(name: string, node: Tree, report: Report): LineDimension | undefined {
  const from = child(node, 'from')
  const key = from === undefined ? undefined : plain(from)
  const unknown = node.kind === 'map' ? node.entries.filter((entry) => entry.key !== 'from') : []
  for (const entry of unknown) {
    report(entry.keyAt, entry.value.path, 'unknown key', suggestion(entry.key, ['from']))
  }
  const problems = keyProblems('from', key)
  for (const { what, todo } of problems) report(node.at, `${node.path}.from`, what, todo)
  if (problems.length > 0 || unknown.length > 0 || isBroken(node)) return undefined
  return { name, from: key as string }
}

function readAmounts(node: Tree, report: Report): Map<string, MeterAmount> | undefined {
  if (node.kind !== 'map' || node.entries.length === 0) {
    report(node.at, node.path, `${seen(node)} names no meter`, 'write name: amount')
    return undefined
  }
  const read = new Map<string, MeterAmount>()
  for (const { key, value } of node.entries) {
    const amount = AMOUNT_NAMES.find((name) => name === textOf(value))
    if (amount !== undefined) read.set(key, amount)
    else if (value.kind !== 'broken') {
      report(value.at, value.path, `${seen(value)} is no amount`, `choose ${oneOf(AMOUNT_NAMES)}`)
    }
  }
  return read.size === node.entries.length ? read : undefined
}

function textOf(node: Tree): string {
  return node.kind === 'scalar' ? String(node.value) : ''
}

function seen(node: Tree): string {
  return shown(plain(node))
}
