// `meter-fast check`: what it finds on the machine, what it prints, and its exit codes.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { MeterFastError } from '../../src/errors.ts'
import { folded } from './config-file.ts'

// The superuser may do everything: what is denied is said here, so that the tests hold for anyone.
const denied = new Map<string, number>()
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const access = async (path: string, mode: number): Promise<void> => {
    const isDenied = ((denied.get(path) ?? 0) & mode) !== 0
    if (isDenied) throw Object.assign(new Error('denied'), { code: 'EACCES' })
    await real.access(path, mode)
  }
  return { ...real, access }
})
const READ = 4
const WRITE = 2

let directory = ''

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'meter-fast-check-')))
})

afterEach(() => {
  denied.clear()
  rmSync(directory, { recursive: true })
})

interface Run {
  readonly exit: number
  readonly text: string
}

/** Makes a file under the test's directory; `@` in texts stands for that directory. */
function file(name: string, text = ''): string {
  const path = join(directory, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text.replaceAll('@', directory))
  return path
}

async function run(yaml: string, ...flags: string[]): Promise<Run> {
  const path = file('meter.yaml', yaml)
  let text = ''
  const stdout = (part: string): void => {
    text += part
  }
  const io = { stdout, stderr: stdout, env: {} }
  const exit = await check(['-c', path, ...flags], io)
  return { exit, text: text.replaceAll(directory, '@') }
}

// All that the catalog declares and no line gives.
const DIMENSIONS = 'dimensions: { region: r, gateway: g, gateway_namespace: n, gateway_class: c }\n'

const GOOD = `
streams:
  - files: ['@/logs/access*.log']
    source_id: n1
state: { dir: @/state }
sink: { type: file, path: @/usage }
${DIMENSIONS}`

function withStreams(streams: string): string {
  return `streams:\n${streams}\nstate: { dir: @/state }\nsink: { type: stdout }\n`
}

describe('what it prints', () => {
  test('a good configuration is ok, in one line', async () => {
    file('logs/access.log')
    expect(await run(GOOD)).toEqual({
      exit: 0,
      text: '@/meter.yaml: ok: 1 stream entry, window 1m, state @/state, sink file @/usage\n',
    })
  })

  test('problems of file and machine come together, in the order of the file', async () => {
    const yaml = `
window: 7s
streams:
  - files: ['@/nowhere/*.log']
    source_id: n1
state: { dir: @/meter.yaml/state }
sink: { type: file, path: @/missing/usage }
${DIMENSIONS}`
    expect(folded((await run(yaml)).text)).toMatchInlineSnapshot(`
      "@/meter.yaml:2:9: window: 7s does not divide one hour;
        choose 10s, 60s, 5m or another that does
      @/meter.yaml:4:12: streams[0].files: @/nowhere is missing or out of reach;
        check the path and the mounts of the container
      @/meter.yaml:6:15: state.dir: @/meter.yaml is no directory;
        name a directory
      @/meter.yaml:7:27: sink.path: @/missing is missing or may not be written;
        make the directory, or name another
      @/meter.yaml: 4 problems
      "
    `)
  })

  test('a warning stops nothing', async () => {
    file('logs/other.log')
    const { exit, text } = await run(GOOD)
    expect(exit).toBe(0)
    expect(folded(text)).toMatchInlineSnapshot(`
      "@/meter.yaml:3:12: warning: streams[0].files: @/logs/access*.log matches nothing now;
        check the pattern, or ignore it until the file is there
      @/meter.yaml: ok, 1 warning: 1 stream entry, window 1m, state @/state, sink file @/usage
      "
    `)
  })

  test('--no-environment looks at the file alone', async () => {
    expect((await run(GOOD, '--no-environment')).exit).toBe(0)
    expect((await run(GOOD)).exit).toBe(78)
  })

  test('--json has the problems, and where each value came from', async () => {
    const path = file('meter.yaml', GOOD)
    let text = ''
    const stdout = (part: string): void => {
      text += part
    }
    const env = { METER_FAST_CONFIG: path, METER_FAST_WINDOW: '5m' }
    const args = ['--json', '--no-environment', '--limits-keys-max', '5']
    expect(await check(args, { stdout, stderr: stdout, env })).toBe(0)
    const report = JSON.parse(text)
    expect(report).toMatchObject({ ok: true, config: path, problems: [] })
    expect(report.values).toEqual(
      expect.arrayContaining([
        { key: 'window', value: 300_000, from: 'environment', at: 'METER_FAST_WINDOW' },
        { key: 'limits.keys_max', value: 5, from: 'flag', at: '--limits-keys-max' },
        { key: 'state.dir', value: `${directory}/state`, from: 'file', at: `${path}:5:15` },
        { key: 'connection_seconds', value: 'exact', from: 'default', at: 'default' },
        { key: 'on_missing_state', value: 'backfill', from: 'default', at: 'default' },
        { key: 'streams[0].format', value: 'datum', from: 'default', at: 'default' },
      ]),
    )
  })

  test('--json of a file that is no YAML is still JSON', async () => {
    const { exit, text } = await run('window: "', '--json')
    expect(exit).toBe(78)
    const report = JSON.parse(text)
    expect(report).toMatchObject({ ok: false, values: [] })
    expect(report.problems).toHaveLength(1)
  })

  test('--schema needs no file and prints a JSON Schema', async () => {
    let text = ''
    const stdout = (part: string): void => {
      text += part
    }
    expect(await check(['--schema'], { stdout, stderr: stdout, env: {} })).toBe(0)
    expect(JSON.parse(text)).toMatchObject({ title: 'Configuration of meter-fast' })
  })
})

describe('a wrong command line', () => {
  const io = { stdout: () => {}, stderr: () => {}, env: {} }

  test.each([
    ['no configuration', [], 'METER_USAGE', 64],
    ['an unknown flag', ['-c', '/x', '--jsn'], 'METER_USAGE', 64],
    ['an argument too many', ['-c', '/x', 'more'], 'METER_USAGE', 64],
    ['a missing configuration', ['-c', '/nowhere/meter.yaml'], 'METER_INPUT_MISSING', 66],
    ['a directory as configuration', ['-c', '/'], 'METER_INPUT_MISSING', 66],
  ])('%s is refused', async (_name, args, code, exitCode) => {
    const error = await check(args, io).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(MeterFastError)
    expect(error).toMatchObject({ code, exitCode })
  })
})

describe('the machine', () => {
  const PODS = withStreams(
    '  - { root: @/pods, kubernetes: { namespaces: [edge], containers: [envoy, shutdown] } }',
  )

  test('a root of pods that is missing is a problem', async () => {
    const { exit, text } = await run(PODS)
    expect(exit).toBe(78)
    expect(text).toContain('streams[0].root: @/pods is missing or out of reach')
  })

  test('a root of pods that may not be read is a problem', async () => {
    mkdirSync(join(directory, 'pods'))
    denied.set(join(directory, 'pods'), READ)
    expect((await run(PODS)).text).toContain('streams[0].root: @/pods may not be read')
  })

  test('a container without logs is a warning, one with logs is none', async () => {
    file('pods/edge_envoy-1_u-1/envoy/0.log')
    const { exit, text } = await run(PODS)
    expect(exit).toBe(0)
    expect(text).toContain('no container shutdown of namespace edge has a log here now')
    expect(text).not.toContain('no container envoy')
  })

  test('a directory of files that is missing is a problem', async () => {
    const { exit, text } = await run(withStreams("  - { files: ['@/logs/*.log'], source_id: n }"))
    expect(exit).toBe(78)
    expect(text).toContain('streams[0].files: @/logs is missing or out of reach')
  })

  test('two files that would be one stream are a problem', async () => {
    file('a/access.log')
    file('b/access.log')
    const streams = "  - { files: ['@/[ab]/access.log'], source_id: n }"
    expect((await run(withStreams(streams))).text).toContain(
      '@/a/access.log and @/b/access.log are one stream',
    )
    const apart =
      '  - { files: [@/a/access.log], source_id: a }\n  - { files: [@/b/access.log], source_id: b }'
    expect((await run(withStreams(apart))).exit).toBe(0)
  })

  test('a file that two entries read under one name is a problem', async () => {
    file('a/access.log')
    const entry = '  - { files: [@/a/access.log], source_id: n }'
    expect((await run(withStreams(`${entry}\n${entry}`))).text).toContain('is read twice')
  })

  test.each([
    ['access*.log', true],
    ['access?.log', true],
    ['access[0-9].log', true],
    ['access[!0-9].log', false],
    [String.raw`access\*.log`, false],
    ['access[9-0].log', false],
    ['*', true],
    ['.*', false],
  ])('the glob %s finds access1.log: %s', async (glob, isFound) => {
    file('logs/access1.log')
    const quoted = JSON.stringify(`@/logs/${glob}`)
    const { exit, text } = await run(withStreams(`  - { files: [${quoted}], source_id: n }`))
    expect(exit).toBe(0)
    expect(text.includes('matches nothing now')).toBe(!isFound)
  })

  const STATE = withStreams('  - { files: [@/a.log], source_id: n }')

  test('a state directory that cannot be made is a problem', async () => {
    denied.set(directory, WRITE)
    expect((await run(STATE)).text).toContain('state.dir: @/state cannot be made')
  })

  test('a state directory that may not be written is a problem', async () => {
    mkdirSync(join(directory, 'state'))
    denied.set(join(directory, 'state'), WRITE)
    expect((await run(STATE)).text).toContain('state.dir: @/state may not be written')
  })

  test('a state directory that everyone may write is a problem', async () => {
    mkdirSync(join(directory, 'state'))
    chmodSync(join(directory, 'state'), 0o777)
    expect((await run(STATE)).text).toContain('every user may write in @/state')
  })

  test('a state directory that is a file is a problem', async () => {
    file('state')
    expect((await run(STATE)).text).toContain('state.dir: @/state is no directory')
  })

  const SINK = 'streams:\n  - { files: [@/a.log], source_id: n }\nstate: { dir: @/state }\nsink: '

  test('a sink file that may not be written, or is none, is a problem', async () => {
    file('usage')
    const yaml = `${SINK}{ type: file, path: @/usage }`
    expect((await run(yaml)).exit).toBe(0)
    denied.set(join(directory, 'usage'), WRITE)
    expect((await run(yaml)).text).toContain('sink.path: @/usage may not be accessed')
    denied.clear()
    denied.set(directory, WRITE)
    const rotated = `${SINK}{ type: file, path: @/usage, file_bytes_max: 1MiB }`
    expect((await run(yaml)).text).not.toContain('sink.path')
    expect((await run(rotated)).text).toContain('sink.path: @ is missing or may not be written')
    denied.clear()
    const none = `${SINK}{ type: file, path: @/ }`
    expect((await run(none)).text).toContain('sink.path: @/ is no regular file')
  })

  test('files of secrets must be there and readable', async () => {
    const key = file('key')
    file('cert')
    denied.set(key, READ)
    const tls = '{ ca_file: @/ca, cert_file: @/cert, key_file: @/key }'
    const sink = `{ type: milo-gateway, url: https://g, bearer_file: @/, tls: ${tls} }`
    const { exit, text } = await run(`${SINK}${sink}`)
    expect(exit).toBe(78)
    expect(text).toContain('sink.bearer_file: @/ is no regular file')
    expect(text).toContain('sink.tls.ca_file: @/ca does not exist')
    expect(text).toContain('sink.tls.key_file: @/key may not be accessed')
    expect(text).not.toContain('sink.tls.cert_file')
  })
})

describe('what is legal and surely not meant', () => {
  const stream = 'streams:\n  - { files: [/a.log], source_id: n }\n'
  const gateway = (url: string): string =>
    `${stream}${DIMENSIONS}` +
    `sink: { type: milo-gateway, url: '${url}', bearer_file: /t, tls: { ca_file: /c } }\n`

  test.each([
    [
      'a declared dimension that nothing gives',
      `${stream}sink: { type: stdout }\ndimensions: { region: r, gateway_class: { from: c } }`,
      'dimensions: nothing gives gateway, gateway_namespace, so no event carries it',
    ],
    ['tls on http', gateway('http://127.0.0.1:8080'), 'sink.tls: it has no effect on http'],
    ['a token in the clear', gateway('http://gateway:8080'), 'the token crosses the network'],
    [
      'counters by route that nobody can see',
      `${stream}sink: { type: stdout }\n${DIMENSIONS}observe: { route_series_max: 9 }`,
      'observe.route_series_max: nobody can see it: nothing listens',
    ],
    [
      'a project that a client names in a header',
      `streams:\n  - { files: [/a.log], source_id: n, format: { project: ':authority' } }\n` +
        `sink: { type: stdout }\n${DIMENSIONS}`,
      'streams[0].format.project: Envoy fills :authority with what a client sends',
    ],
    [
      'a project that a client names, in place of that of a preset',
      'streams:\n' +
        '  - { files: [/a.log], source_id: n, format: { preset: datum, project: host } }\n' +
        `sink: { type: stdout }\n${DIMENSIONS}`,
      'streams[0].format.project: Envoy fills host with what a client sends',
    ],
  ])('%s is a warning', async (_name, yaml, expected) => {
    const { exit, text } = await run(yaml, '--no-environment')
    expect(exit).toBe(0)
    expect(text).toContain('warning: ')
    expect(text).toContain(expected)
  })

  test('a dimension that no meter declares is a problem', async () => {
    const yaml = `${stream}sink: { type: stdout }\ndimensions: { region: a, zone: a }`
    const { exit, text } = await run(yaml, '--no-environment')
    expect(exit).toBe(78)
    expect(text).toContain('meter.yaml:4:26: dimensions.zone: no meter of the catalog declares it')
  })

  test('a token on loopback or over https is no warning', async () => {
    expect((await run(gateway('http://127.0.0.1'), '--no-environment')).text).not.toContain('token')
    expect((await run(gateway('https://gateway'), '--no-environment')).text).not.toContain('warn')
  })
})
