// Durations and sizes as people write them in a configuration: `60s`, `500ms`, `10GiB`.
//
// Only whole numbers: a fraction of a unit has a smaller unit that says it exactly. What
// parseX reads, formatX writes, so a default in the field table is shown as a user would type it.

const DURATION_UNITS_MS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

const SIZE_UNITS_BYTES = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
] as const

type Units = readonly (readonly [string, number])[]

/** What a written duration looks like; the same text is used by the JSON Schema. */
export const DURATION_PATTERN = '^[0-9]{1,16}(ms|s|m|h)$'

/** What a written size looks like; a bare number is bytes. */
export const SIZE_PATTERN = '^[0-9]{1,16}(B|KiB|MiB|GiB|TiB)?$'

/** Milliseconds of `500ms`, `60s`, `2m`, `1h`; undefined when it is no such text. */
export function parseDurationMs(text: string): number | undefined {
  return new RegExp(DURATION_PATTERN).test(text) ? scaled(text, DURATION_UNITS_MS) : undefined
}

/** Bytes of `64KiB`, `10GiB`, `4096B`, `4096`; undefined when it is no such text. */
export function parseSizeBytes(text: string): number | undefined {
  return new RegExp(SIZE_PATTERN).test(text) ? scaled(text, SIZE_UNITS_BYTES) : undefined
}

/** The shortest text that parseDurationMs reads back as `durationMs`. */
export function formatDuration(durationMs: number): string {
  return written(durationMs, DURATION_UNITS_MS, 'ms')
}

/** The shortest text that parseSizeBytes reads back as `sizeBytes`. */
export function formatSize(sizeBytes: number): string {
  return written(sizeBytes, SIZE_UNITS_BYTES, 'B')
}

function scaled(text: string, units: Units): number | undefined {
  const digits = /^[0-9]+/.exec(text)?.[0] ?? ''
  const unit = text.slice(digits.length)
  const factor = units.find(([name]) => name === unit)?.[1] ?? 1
  const value = Number(digits) * factor
  return Number.isSafeInteger(value) ? value : undefined
}

function written(value: number, units: Units, smallest: string): string {
  const fitting = units.find(([, factor]) => value >= factor && value % factor === 0)
  return fitting === undefined ? `${value}${smallest}` : `${value / fitting[1]}${fitting[0]}`
}
