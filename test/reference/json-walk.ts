// Every key and every value of a valid JSON text with its place in the bytes. JSON.parse hides what
// billing must see: keys that occur twice, the bytes of a number, and where a mended byte lies.

import { decode } from './mend.ts'

/** Characters `from` to `to` (exclusive) of the text. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** One value; `path` holds the unescaped keys and the array indices that lead to it. */
export interface Place extends Span {
  readonly path: readonly string[]
}

export interface Places {
  readonly keys: Span[]
  readonly values: Place[]
}

/** Walks a text that JSON.parse accepts; on any other text the result means nothing. */
export function walk(json: string): Places {
  const places: Places = { keys: [], values: [] }
  let at = 0

  function take(pattern: RegExp): string {
    pattern.lastIndex = at
    const found = pattern.exec(json)?.[0] ?? ''
    at += found.length
    return found
  }

  function key(): string {
    const from = at
    const text = take(/"[^"\\]*(?:\\.[^"\\]*)*"/y)
    places.keys.push({ from, to: at })
    return decode(text) as string
  }

  function members(path: readonly string[], isArray: boolean): void {
    take(/[{[][ \t\n\r]*/y)
    for (let index = 0; !/[}\]]/.test(json[at] ?? '}'); index += 1) {
      const name = isArray ? String(index) : key()
      take(/[ \t\n\r]*:?[ \t\n\r]*/y)
      value([...path, name])
      take(/[ \t\n\r]*,?[ \t\n\r]*/y)
    }
    at += 1
  }

  function value(path: readonly string[]): void {
    const from = at
    if (json[at] === '{' || json[at] === '[') {
      members(path, json[at] === '[')
    } else {
      take(/"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t\n\r,\]}]+/y)
    }
    places.values.push({ path, from, to: at })
  }

  take(/[ \t\n\r]*/y)
  value([])
  return places
}
