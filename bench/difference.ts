// Where two JSON values differ, in words; order of keys does not count.

const TEXT_CHARACTERS_MAX = 80

/** The first place where `actual` is not `expected`, such as `.lines.read: 9, not 10`; or null. */
export function firstDifference(actual: unknown, expected: unknown, path = ''): string | null {
  if (!isContainer(actual) || !isContainer(expected)) {
    return Object.is(actual, expected) ? null : `${path}: ${brief(actual)}, not ${brief(expected)}`
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return `${path}: an array on one side only`
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const found = firstDifference(actual[key], expected[key], `${path}.${key}`)
    if (found !== null) return found
  }
  return null
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, TEXT_CHARACTERS_MAX)
}
