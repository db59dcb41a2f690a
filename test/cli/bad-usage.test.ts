// Flags and arguments that cannot be meant: exit 64, a text that says what to write instead, and
// nothing on stdout.

import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const HELP = '"meter-fast scan --help" shows what it takes'

describe('scan refuses with exit 64', () => {
  const choices = 'choose auto, datum, envoy-gateway, istio or contour'
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['no file', [], 'name at least one file, or - for stdin'],
    ['an unknown flag', ['--color', 'a.log'], "Unknown option '--color'"],
    [
      'a flag without its value',
      ['a.log', '--format'],
      "Option '--format <value>' argument missing",
    ],
    ['--json with --csv', ['--json', '--csv', 'a.log'], 'choose one of --json and --csv'],
    ['--csv with --events', ['--csv', '--events', 'a.log'], 'choose one of --csv and --events'],
    [
      'an unknown preset',
      ['--format', 'datun', 'a.log'],
      `--format: unknown preset "datun"; ${choices}`,
    ],
    [
      'a preset whose lines name no project',
      ['--format', 'istio', 'a.log'],
      '--format: the lines of istio name no project; give one in the configuration: ' +
        'format: { preset: istio, project: { constant: NAME } }, and name its file with -c',
    ],
    [
      'an unknown envelope',
      ['--envelope', 'crii', 'a.log'],
      '--envelope must be one of auto, raw, cri, docker, not "crii"',
    ],
    ...['7s', '0', '2h', 'x', '500ms', '-60s'].map(
      (window) =>
        [
          `--window ${window}`,
          [`--window=${window}`, 'a.log'],
          `--window must divide one hour and be at least 1s, not "${window}"`,
        ] as const,
    ),
  ]
  test.each(cases)('%s', async (_name, args, problem) => {
    file('a.log', datumLine())
    const { code, stdout, stderr } = await meterFast(['scan', ...args])
    expect(stderr).toBe(`meter-fast: METER_USAGE: scan: ${problem}; ${HELP}\n`)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })
})

describe('the other commands', () => {
  const cases = [
    ['run without a configuration', ['run'], 64, 'it needs a configuration: add -c FILE'],
    ['check without a configuration', ['check'], 64, 'check needs a configuration: add -c FILE'],
    ['run with an unknown flag', ['run', '--onec'], 64, "Unknown option '--onec'"],
    ['check with an unknown flag', ['check', '--jsn'], 64, "Unknown option '--jsn'"],
    ['generate with an unknown flag', ['generate', '--line', '1'], 64, "Unknown option '--line'"],
    ['generate with too few lines', ['generate', '--lines', '-1'], 64, '--lines'],
    ['release without a state', ['release'], 64, 'name the state directory: --state DIR'],
    ['bench with an unknown flag', ['bench', '--fast'], 64, "Unknown option '--fast'"],
    ['demo with an unknown flag', ['demo', '--fast'], 64, "Unknown option '--fast'"],
    ['demo of a missing file', ['demo', 'no.log'], 66, 'no.log does not exist: check the name'],
  ] as const
  test.each(cases)('%s: exit code and text', async (_name, args, exit, problem) => {
    const { code, stdout, stderr } = await meterFast(args)
    expect(stderr).toContain(problem)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
  })

  test('release of a state that is not there: exit 66, and it makes none', async () => {
    const { code, stdout, stderr } = await meterFast(['release', '--state', 'no-state'])
    expect(stderr).toBe(
      'meter-fast: METER_INPUT_MISSING: there is no state in "no-state". ' +
        'Name the state.dir of an agent that has run.\n',
    )
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(existsSync(at('no-state'))).toBe(false)
  })
})

describe('a flag that is nearly one is told with the one that was meant', () => {
  const cases = [
    ['scan', '--jsn', '--json'],
    ['scan', '--no-such=3', undefined],
    ['run', '--onec', '--once'],
    ['run', '--sink-ur=http://x', '--sink-url'],
    ['run', '--stateDir=x', '--state-dir'],
    ['check', '--schem', '--schema'],
    ['check', '--no-enviroment', '--no-environment'],
    ['top', '--stat', '--state'],
    ['generate', '--line=1', '--lines'],
    ['replay', '--unatributed', '--unattributed'],
    ['verify', '--log=x', '--logs'],
    ['explain', '--projct=p', '--project'],
    ['catalog', '--agains=x', '--against'],
    ['release', '--sate=x', '--state'],
    ['status', '--quarantined', '--quarantine'],
    ['bench', '--scenaro=datum', '--scenario'],
  ] as const
  test.each(cases)('%s %s', async (command, word, meant) => {
    const { code, stdout, stderr } = await meterFast([command, word])
    const [name] = word.split('=')
    const hint = meant ? `did you mean ${meant}?` : `"meter-fast ${command} --help" shows`
    expect(stderr).toMatch(/^meter-fast: METER_USAGE: [^\n]*\n$/)
    expect(stderr).toContain(`${command}: Unknown option '${name}'; ${hint}`)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })
})
