// What a process asked of the kernel, read from the output of
//
//   strace -f -ttt -y -v -xx -s 16777216
//
// One line is one call: thread, time, name(arguments) = result. Strings and the paths of
// descriptors are written as `\x2f\x74...`, so nothing in them can be taken for syntax. A call that
// another thread's call overtook comes in two lines, the first ending in `<unfinished ...>`, the
// second beginning with `<... name resumed>`. Calls are given in the order of their ends.

/** One system call that touched a file below the recorded directory. */
export interface Call {
  readonly name: string
  /** As strace prints them, with strings still in hexadecimal. */
  readonly args: string
  readonly result: string
  /** When it began, in ms since 1970. */
  readonly atMs: number
}

const LINE = /^(\d+) +(\d+\.\d+) (.*)$/
const CALL = /^(\w+)\((.*)\) += (.*)$/s
const UNFINISHED = ' <unfinished ...>'
const RESUMED = /^<\.\.\. (\w+) resumed>/

/** The calls that succeeded and name `directory`, under its own path or any of `aliases`. */
export function fileCalls(trace: string, directory: string, aliases: readonly string[]): Call[] {
  const needles = [directory, ...aliases].map(escaped)
  const begun = new Map<string, { text: string; atMs: number }>()
  const calls: Call[] = []
  for (const line of trace.split('\n')) {
    const [, thread = '', seconds = '', text = ''] = LINE.exec(line) ?? []
    if (text.endsWith(UNFINISHED)) {
      const head = text.slice(0, -UNFINISHED.length)
      begun.set(thread, { text: head, atMs: Number(seconds) * 1000 })
      continue
    }
    const resumed = RESUMED.exec(text)
    const head = resumed ? begun.get(thread) : undefined
    const whole = (head?.text ?? '') + text.slice(resumed?.[0].length ?? 0)
    if (!needles.some((needle) => whole.includes(needle))) continue
    const [, name = '', args = '', result = ''] = CALL.exec(whole) ?? []
    if (name === '' || result.startsWith('-1 ')) continue
    calls.push({ name, args, result, atMs: head?.atMs ?? Number(seconds) * 1000 })
  }
  return calls
}

/** The bytes of a string as strace prints it. */
export function unescaped(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}

function escaped(path: string): string {
  return Buffer.from(path).toString('hex').replaceAll(/../g, '\\x$&')
}
