// `meter-fast` on a real terminal: a pseudo terminal that `script` of util-linux makes.

import { spawn } from 'node:child_process'
import { MAIN } from './build.ts'
import { at } from './command.ts'

export interface TerminalRun {
  /** All that was written to the terminal so far. */
  readonly output: () => string
  /** Types into the keyboard. */
  readonly type: (keys: string) => void
  /** The exit code, behind `code ` at the end of the output. */
  readonly ended: Promise<void>
}

/** Runs `meter-fast` with the arguments in the test's directory; then prints code and settings. */
export function onTerminal(
  args: readonly string[],
  { rows = 24, columns = 80, env = {} }: TerminalOptions = {},
): TerminalRun {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
  // Every line of the shell's own is told by its first word.
  const command = `stty rows ${rows} cols ${columns}; ${words}; echo "code $?"; stty -a`
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd: at('.'),
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return {
    output: () => output,
    type: (keys) => child.stdin.write(keys),
    ended: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve())
    }),
  }
}

interface TerminalOptions {
  readonly rows?: number
  readonly columns?: number
  readonly env?: Readonly<Record<string, string>>
}
