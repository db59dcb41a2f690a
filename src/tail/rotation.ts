// Names of rotated files: which stream they belong to, how old they are, how they are packed.
//
// A rotated name is the live name followed by `.` or `-`. Age comes from the name, never from
// mtime, which a copy or a gzip changes: a number of up to five digits counts up with age
// (logrotate), anything else is a date that counts up with time (kubelet, dateext).

import type { NamePattern } from './glob.ts'

const GZIP = /\.gz$/
const OTHER_COMPRESSION = /\.(?:zst|xz|bz2|lz4|lzma|zip|Z)$/
const ROTATION_SUFFIX = /[.-]\d[\dT_:.-]*$/
const DATED = /[.-]\d{6}[\dT_:.-]*(?:\.gz)?$/
const INDEX = /^\d{1,5}$/

/** True for a name that is `liveName` rotated; false for the live name itself. */
export function isRotationOf(liveName: string, name: string): boolean {
  const next = name[liveName.length]
  return name.startsWith(liveName) && (next === '.' || next === '-')
}

/** A file that a rotation is still writing; it gets its real name when it is whole. */
export function isTemporary(name: string): boolean {
  return name.endsWith('.tmp')
}

export function isGzip(name: string): boolean {
  return GZIP.test(name)
}

/** True for a compression that cannot be read: the file is refused, never read as text. */
export function isOtherCompression(name: string): boolean {
  return OTHER_COMPRESSION.test(name)
}

/** True for a rotated name that holds for ever; a number changes with every rotation. */
export function isDated(name: string): boolean {
  return DATED.test(name)
}

/** What `name` was called before it was compressed. */
export function withoutGzip(name: string): string {
  return name.replace(GZIP, '')
}

function age(liveName: string, name: string): { rank: number; index: number; date: string } {
  if (name === liveName) return { rank: 2, index: 0, date: '' }
  const suffix = withoutGzip(name).slice(liveName.length + 1)
  if (INDEX.test(suffix)) return { rank: 1, index: -Number(suffix), date: '' }
  return { rank: 0, index: 0, date: suffix }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Oldest first, the live name last. Dated names come before numbered ones. */
export function compareAge(liveName: string, a: string, b: string): number {
  const [x, y] = [age(liveName, a), age(liveName, b)]
  return x.rank - y.rank || x.index - y.index || compareText(x.date, y.date) || compareText(a, b)
}

/** `name` with one mark of rotation or compression cut off; undefined when it has none. */
function strip(name: string): string | undefined {
  const bare = name.replace(GZIP, '').replace(OTHER_COMPRESSION, '')
  const stripped = bare === name ? name.replace(ROTATION_SUFFIX, '') : bare
  return stripped === name || stripped === '' ? undefined : stripped
}

/**
 * The live names among `names` of one directory, sorted. A live file may be missing for the
 * moment between rename and reopen: a name that only adds numbers, dates or a compression to a
 * name that the pattern matches stands for that one. So the gap never makes a stream of a
 * rotated file, and a stream with rotated files only is still found.
 */
export function liveNames(names: readonly string[], pattern: NamePattern): string[] {
  const candidates = new Set<string>()
  for (const name of names) {
    if (isTemporary(name)) continue
    let live: string | undefined
    for (let base: string | undefined = name; base !== undefined; base = strip(base)) {
      if (pattern.matches(base)) live = base
    }
    if (live !== undefined) candidates.add(live)
  }
  const all = [...candidates].sort(compareText)
  return all.filter((name) => !all.some((other) => isRotationOf(other, name)))
}
