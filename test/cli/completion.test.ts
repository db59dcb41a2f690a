// Completion in real shells. What they must offer is written here by hand; that no command and no
// flag of --help is forgotten is compared with --help itself.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../agent/rig.ts'
import { at, file, meterFast, useCommand } from './command.ts'

useCommand()

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

beforeAll(async () => {
  for (const shell of SHELLS) {
    const { code, stdout, stderr } = await meterFast(['completion', shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    file(`completion.${shell}`, stdout)
  }
  file('access log.1')
  file('access.log')
  mkdirSync(at('state'))
})

/** What bash offers for the last of the words. */
function bashOffers(...words: string[]): string[] {
  const script = `source completion.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _meter_fast
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const args = ['--norc', '-c', script, 'bash', 'meter-fast', ...words]
  return lines(execFileSync('bash', args, { cwd: at('.'), encoding: 'utf8' }))
}

/** What fish offers for the end of the line, without its descriptions. */
function fishOffers(line: string): string[] {
  const script = `source completion.fish; complete -C '${line}'`
  const env = { PATH: process.env['PATH'], HOME: at('.') }
  const text = execFileSync('fish', ['-N', '-c', script], { cwd: at('.'), env, encoding: 'utf8' })
  return lines(text).map((one) => one.split('\t')[0] ?? '')
}

function lines(text: string): string[] {
  return text.split('\n').filter((one) => one !== '')
}

describe('bash', () => {
  test('offers the commands that begin so', () => {
    expect(bashOffers('s')).toEqual(['scan', 'status'])
    expect(bashOffers('comp')).toEqual(['compare', 'completion'])
    expect(bashOffers('help', 'ver')).toEqual(['verify'])
  })

  test('offers every command and flag of --help', async () => {
    const overview = (await meterFast(['--help'])).stdout
    const commands = [...overview.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = '']) => name)
    expect(commands.length).toBeGreaterThan(12)
    expect(bashOffers('')).toEqual(expect.arrayContaining(commands))
    for (const command of commands) {
      const { stdout } = await meterFast([command, '--help'])
      const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag)
      expect(bashOffers(command, '--').toSorted()).toEqual([...flags, '--help'].toSorted())
    }
  })

  test('offers the values of a flag, also behind =', () => {
    expect(bashOffers('scan', '--envelope', '')).toEqual(['auto', 'raw', 'cri', 'docker'])
    expect(bashOffers('scan', '--envelope', '=', 'c')).toEqual(['cri'])
    expect(bashOffers('scan', '--envelope', '=')).toEqual(['auto', 'raw', 'cri', 'docker'])
    expect(bashOffers('run', '--on-missing-state', '')).toEqual(['hold', 'backfill'])
    expect(bashOffers('scan', '--stream', '')).toEqual([])
  })

  test('offers files and directories where they belong, names with blanks whole', () => {
    expect(bashOffers('scan', 'acc').toSorted()).toEqual(['access log.1', 'access.log'])
    expect(bashOffers('run', '-c', 'access.')).toEqual(['access.log'])
    expect(bashOffers('top', '--state', '')).toEqual(['state'])
    expect(bashOffers('status', 'acc')).toEqual([])
  })
})

describe('fish', () => {
  test('offers commands, flags, values and files', () => {
    expect(fishOffers('meter-fast s').toSorted()).toEqual(['scan', 'status'])
    expect(fishOffers('meter-fast scan --en')).toEqual(['--envelope'])
    expect(fishOffers('meter-fast scan --envelope ').toSorted()).toEqual([
      'auto',
      'cri',
      'docker',
      'raw',
    ])
    expect(fishOffers('meter-fast scan access.')).toEqual(['access.log'])
    expect(fishOffers('meter-fast status acc')).toEqual([])
    expect(fishOffers('meter-fast top --state st')).toEqual(['state/'])
    expect(fishOffers('meter-fast completion ').toSorted()).toEqual(['bash', 'fish', 'zsh'])
  })
})

/** A shell that a person types into. */
const INTERACTIVE: Readonly<Record<Shell, { start: string; setup: string }>> = {
  bash: { start: 'bash --norc --noprofile -i', setup: 'meter-fast() { echo "<$*>"; }' },
  zsh: {
    start: 'zsh -f -i',
    setup: 'autoload -U compinit; compinit -u -D; meter-fast() { print -r -- "<$*>" }',
  },
  fish: { start: 'fish -N -i', setup: 'function meter-fast; echo "<$argv>"; end' },
}

describe.each(SHELLS)('typed into %s', (shell) => {
  test('Tab completes a command, a flag and a value', async () => {
    const { start, setup } = INTERACTIVE[shell]
    const child = spawn('script', ['-qfec', start, '/dev/null'], {
      cwd: at('.'),
      env: { PATH: process.env['PATH'], HOME: at('.'), TERM: 'dumb', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    // The words are put together by the shell, so what is typed does not look like the answer.
    child.stdin.write(`${setup}\nsource completion.${shell}; echo "is rea""dy"\n`)
    await until(`${shell} is ready`, () => output.includes('is ready'))
    child.stdin.write('meter-fast exp\t--proj\tp-a\n')
    await until('the flag is completed', () => /<explain --project[ =]p-a>/.test(output))
    child.stdin.write('meter-fast generate --envelope cr\t\n')
    await until('the value is completed', () => /<generate --envelope cri ?>/.test(output))
    child.stdin.write('exit\n')
    await ended
  })
})

describe('completion', () => {
  test.each([
    [[], 'name one shell, bash, zsh or fish'],
    [['bahs'], 'name one shell, bash, zsh or fish; did you mean bash?'],
    [['bash', 'zsh'], 'name one shell, bash, zsh or fish'],
  ] as const)('%j is refused', async (args, problem) => {
    const { code, stdout, stderr } = await meterFast(['completion', ...args])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`METER_USAGE: completion: ${problem}`)
  })
})
