// What the oracle takes for one JSON object (DESIGN 4.2), by the shortest road: mend the bytes,
// then ask JSON.parse. Bytes are held as latin1 text, one character per byte, so that ill-formed
// UTF-8 survives and an offset in the text is an offset in the line.

/** Strings (the last may lack its end), and runs of what is neither white space nor structure. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|[^ \t\n\r{}[\],:"]+/gs
const ESCAPE = [
  String.raw`\\["\\/bfnrt]`,
  String.raw`\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}`,
  String.raw`\\u(?![dD][89a-fA-F])[\da-fA-F]{4}`,
]
const UTF8 = [
  String.raw`[\0-\x5b\x5d-\x7f]`,
  String.raw`[\xc2-\xdf][\x80-\xbf]`,
  String.raw`(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]`,
  String.raw`(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}`,
]
/** One good piece of a string, or one byte that must be mended. */
const PIECE = new RegExp(`(${[...ESCAPE, ...UTF8].join('|')})|.`, 'gs')
const BARE = new Set(['inf', '-inf', 'nan', '-nan'])

/** The line with bad bytes and escapes in strings as `?`, bare infinities as `0`; same length. */
export function mend(line: string): string {
  return line.replace(TOKEN, (token) => {
    if (BARE.has(token)) {
      return '0'.padEnd(token.length)
    }
    return token.startsWith('"')
      ? token.replace(PIECE, (piece, good) => (good ? piece : '?'))
      : token
  })
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const CONTAINERS_MAX = 64

/** The meaning of a JSON text; throws when it is none. Takes latin1, judges UTF-8. */
export function decode(json: string): unknown {
  return JSON.parse(decoder.decode(Buffer.from(json, 'latin1')))
}

/** True when mended text is exactly one object of RFC 8259, at most 64 containers deep. */
export function isObject(mended: string): boolean {
  try {
    const value = decode(mended)
    return (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      containersOpen(mended) <= CONTAINERS_MAX
    )
  } catch {
    return false
  }
}

function containersOpen(json: string): number {
  let open = 0
  let most = 0
  for (const char of json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '')) {
    if (char === '{' || char === '[') {
      open += 1
    } else if (char === '}' || char === ']') {
      open -= 1
    }
    most = Math.max(most, open)
  }
  return most
}
