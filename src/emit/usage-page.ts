// Reads the packed pages in which the core hands over totals ("usage page v1", little endian).
//
//   u32 magic 'MFU1', u32 rows, u32 dimensions per row, u32 bytes of text
//   i64 amounts[rows][6]              requests, egress bytes, ingress bytes, connection ms,
//                                     connection seconds floored per record, connection seconds
//   u32 columns[rows][4 + dimensions] length of project, code of kind, length of namespace,
//                                     length of name, length of each dimension (all ones: absent)
//   text                              the bytes of all columns, row by row
//
// A page is believed only as a whole: sizes must add up to the byte, text must be UTF-8 and no
// amount may be negative. Anything else throws METER_STATE_CORRUPT before a wrong row is billed.

import { isAscii } from 'node:buffer'
import { MeterFastError } from '../errors.ts'

/** What a route is; `null` for a line without one, `overflow` for keys beyond `keys_max`. */
export type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'unknown' | 'overflow' | null

/** Why usage has no project that can be billed. */
export type UnattributedReason = 'no_route' | 'no_project' | 'bad_project'

/** Sums of one key in one closed piece of a segment; none is negative. */
export interface Amounts {
  readonly requests: bigint
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
  readonly connectionMs: bigint
  /** Sum of floor(ms / 1000) per record. */
  readonly connectionSecondsFloor: bigint
  /** Whole seconds of carry + ms; the rest is carried on by the core. */
  readonly connectionSeconds: bigint
}

export const NO_AMOUNTS: Amounts = {
  requests: 0n,
  egressBytes: 0n,
  ingressBytes: 0n,
  connectionMs: 0n,
  connectionSecondsFloor: 0n,
  connectionSeconds: 0n,
}

export function addAmounts(a: Amounts, b: Amounts): Amounts {
  return {
    requests: a.requests + b.requests,
    egressBytes: a.egressBytes + b.egressBytes,
    ingressBytes: a.ingressBytes + b.ingressBytes,
    connectionMs: a.connectionMs + b.connectionMs,
    connectionSecondsFloor: a.connectionSecondsFloor + b.connectionSecondsFloor,
    connectionSeconds: a.connectionSeconds + b.connectionSeconds,
  }
}

/** Usage of one metered key. */
export interface UsageRow extends Amounts {
  readonly project: string
  readonly kind: RouteKind
  readonly namespace: string
  readonly name: string
  /** Values of the dimensions read from the line, in the order of the page's columns. */
  readonly dimensions: readonly (string | undefined)[]
}

/** Usage that no project could be found for, with what the line said in its place. */
export interface UnattributedRow extends Amounts {
  readonly reason: UnattributedReason
  readonly project: string
  readonly route: string
}

export const MAGIC = 0x3155464d
const HEAD_BYTES = 16
const AMOUNTS = 6
const FIXED_COLUMNS = 4
const KIND_COLUMN = 1
export const ABSENT = 0xffffffff
export const KINDS: readonly RouteKind[] = [null, 'HTTPRoute', 'GRPCRoute', 'unknown', 'overflow']
export const REASON_BASE = 16
export const REASONS: readonly UnattributedReason[] = ['no_route', 'no_project', 'bad_project']

/**
 * The rows of a page of metered usage, in the page's order.
 * @throws MeterFastError METER_STATE_CORRUPT when the page is damaged.
 */
export function* usageRows(page: Uint8Array): Generator<UsageRow> {
  const opened = new UsagePage(page)
  for (let row = 0; row < opened.rows; row++) yield opened.row(row)
}

/**
 * The rows of a page of unattributed usage, in the page's order.
 * @throws MeterFastError METER_STATE_CORRUPT when the page is damaged.
 */
export function* unattributedRows(page: Uint8Array): Generator<UnattributedRow> {
  const opened = new UsagePage(page)
  for (let row = 0; row < opened.rows; row++) {
    const reason = REASONS[opened.kindCode(row) - REASON_BASE]
    if (reason === undefined) throw damaged(`row ${row} has an unknown reason code`)
    const [project = '', , route = ''] = opened.texts(row)
    yield { reason, project, route, ...opened.amounts(row) }
  }
}

/** A page whose sizes are checked; rows are read in any order. */
export class UsagePage {
  readonly rows: number
  /** Dimensions read from the line, of each row. */
  readonly dimensions: number
  readonly #amounts: BigInt64Array
  readonly #columns: Uint32Array
  readonly #text: Uint8Array
  /** The whole text when it is ASCII: then columns are cut from it without decoding each. */
  readonly #ascii: string | undefined
  /** Where the text of each row begins. */
  readonly #textStarts: Uint32Array

  /** @throws MeterFastError METER_STATE_CORRUPT when sizes or text do not add up. */
  constructor(page: Uint8Array) {
    if (page.length < HEAD_BYTES) throw damaged(`it has ${page.length} bytes`)
    // Typed arrays need an aligned start, which a value read from the store need not have.
    const bytes = page.byteOffset % 8 === 0 ? page : new Uint8Array(page)
    const { buffer, byteOffset } = bytes
    const [magic = 0, rows = 0, dimensions = 0, textBytes = 0] = new Uint32Array(
      buffer,
      byteOffset,
      4,
    )
    if (magic !== MAGIC) throw damaged('it does not begin with "MFU1"')
    const amountCount = rows * AMOUNTS
    const columnCount = rows * (FIXED_COLUMNS + dimensions)
    const textStart = HEAD_BYTES + amountCount * 8 + columnCount * 4
    if (textStart + textBytes !== bytes.length) throw damaged('its sizes do not add up')
    this.rows = rows
    this.dimensions = dimensions
    this.#amounts = new BigInt64Array(buffer, byteOffset + HEAD_BYTES, amountCount)
    this.#columns = new Uint32Array(buffer, byteOffset + HEAD_BYTES + amountCount * 8, columnCount)
    this.#text = bytes.subarray(textStart)
    this.#textStarts = textStarts(this.#columns, FIXED_COLUMNS + dimensions, rows, textBytes)
    if (isAscii(this.#text)) {
      this.#ascii = Buffer.from(buffer, byteOffset + textStart, textBytes).toString('latin1')
    }
  }

  /** @throws MeterFastError METER_STATE_CORRUPT when the row is damaged. */
  row(row: number): UsageRow {
    const kind = KINDS[this.kindCode(row)]
    if (kind === undefined) throw damaged(`row ${row} has an unknown kind code`)
    const [project = '', namespace = '', name = '', ...dimensions] = this.texts(row)
    return { project, kind, namespace, name, dimensions, ...this.amounts(row) }
  }

  kindCode(row: number): number {
    return this.#columns[row * (FIXED_COLUMNS + this.dimensions) + 1] ?? ABSENT
  }

  /** Project, namespace, name and dimensions of a row. */
  texts(row: number): (string | undefined)[] {
    const columns = FIXED_COLUMNS + this.dimensions
    const texts: (string | undefined)[] = []
    let start = this.#textStarts[row] ?? 0
    for (let column = 0; column < columns; column++) {
      if (column === KIND_COLUMN) continue
      const length = this.#columns[row * columns + column] ?? ABSENT
      if (length === ABSENT) {
        texts.push(undefined)
        continue
      }
      texts.push(this.#textOf(start, start + length))
      start += length
    }
    return texts
  }

  amounts(row: number): Amounts {
    return {
      requests: this.#amount(row, 0),
      egressBytes: this.#amount(row, 1),
      ingressBytes: this.#amount(row, 2),
      connectionMs: this.#amount(row, 3),
      connectionSecondsFloor: this.#amount(row, 4),
      connectionSeconds: this.#amount(row, 5),
    }
  }

  /** The amounts of all rows, added up. */
  total(): Amounts {
    const sums = [0n, 0n, 0n, 0n, 0n, 0n]
    for (let at = 0; at < this.#amounts.length; at += AMOUNTS) {
      for (let column = 0; column < AMOUNTS; column++) {
        sums[column] = (sums[column] ?? 0n) + (this.#amounts[at + column] ?? 0n)
      }
    }
    return amountsOf(sums)
  }

  #textOf(start: number, end: number): string {
    if (this.#ascii !== undefined) return this.#ascii.slice(start, end)
    return decodeUtf8(this.#text.subarray(start, end))
  }

  #amount(row: number, column: number): bigint {
    const sum = this.#amounts[row * AMOUNTS + column] ?? -1n
    if (sum < 0n) throw damaged(`row ${row} has a negative amount`)
    return sum
  }
}

/** Of the columns of amounts, in their order. */
function amountsOf(columns: readonly bigint[]): Amounts {
  const [requests = 0n, egressBytes = 0n, ingressBytes = 0n] = columns
  const [connectionMs = 0n, connectionSecondsFloor = 0n, connectionSeconds = 0n] = columns.slice(3)
  return {
    requests,
    egressBytes,
    ingressBytes,
    connectionMs,
    connectionSecondsFloor,
    connectionSeconds,
  }
}

/** Where the text of each row begins; the last one must end with the page. */
function textStarts(
  columns: Uint32Array,
  columnsPerRow: number,
  rows: number,
  textBytes: number,
): Uint32Array {
  const starts = new Uint32Array(rows)
  let sum = 0
  for (let row = 0; row < rows; row++) {
    starts[row] = sum
    for (let column = 0; column < columnsPerRow; column++) {
      const value = columns[row * columnsPerRow + column] ?? ABSENT
      if (column !== KIND_COLUMN && value !== ABSENT) sum += value
    }
  }
  if (sum !== textBytes) throw damaged(`its columns name ${sum} of ${textBytes} bytes of text`)
  return starts
}

// A byte order mark inside a value belongs to the value.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    throw damaged('its text is not UTF-8', cause)
  }
}

function damaged(what: string, cause?: unknown): MeterFastError {
  return new MeterFastError(
    'METER_STATE_CORRUPT',
    `a usage page is damaged: ${what}. Restore the state directory from a copy, ` +
      'or move it away to read the logs that are left again.',
    { cause },
  )
}
