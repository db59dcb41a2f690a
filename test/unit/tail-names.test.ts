// Patterns, rotated names and discovery: which files belong to which stream, from names alone.

import { execFileSync } from 'node:child_process'
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  discover,
  discoverAll,
  parsePodDirectory,
  type StreamSource,
} from '../../src/tail/discover.ts'
import { findPlaces, parseNamePattern } from '../../src/tail/glob.ts'
import { ProblemLog, problemOf } from '../../src/tail/problem.ts'
import { compareAge, liveNames } from '../../src/tail/rotation.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tail-names-'))
})
afterEach(async () => {
  await rm(root, { recursive: true })
})

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, dirname(path)), { recursive: true })
    await writeFile(join(root, path), 'line\n')
  }
}

const UID = '0a1b2c3d-0000-4000-8000-000000000001'

describe('name patterns', () => {
  test.each([
    ['access*.log', 'access.log', true],
    ['access*.log', 'access-eu.log', true],
    ['access*.log', 'access.log.1', false],
    ['*', '.hidden', false],
    ['.*', '.hidden', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '😀', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\\\b', 'a\\b', true],
    ['*a*b', 'xaxbxab', true],
    ['a.c', 'abc', false],
  ])('%s on %s: %s', (pattern, name, matches) => {
    expect(parseNamePattern(pattern).matches(name)).toBe(matches)
  })

  test('a name that the writer chose cannot make matching slow', () => {
    const startMs = performance.now()
    expect(parseNamePattern('*a*a*a*a*a*a*a*a*b').matches('a'.repeat(4000))).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(500)
  })

  test('** and an open set are refused', () => {
    expect(() => parseNamePattern('**')).toThrow(/not supported/)
    expect(() => parseNamePattern('a[b')).toThrow(/no "\]"/)
  })

  test('wildcards in directories find all of them, but no links', async () => {
    await put('b/x.log', 'a/x.log')
    await symlink(join(root, 'a'), join(root, 'c'))
    const { directories, problems } = await findPlaces(join(root, '*', 'x.log'))
    expect(directories).toEqual([join(root, 'a'), join(root, 'b')])
    expect(problems.map(({ reason }) => reason)).toEqual(['symlink'])
  })
})

describe('rotated names', () => {
  test('dates come first and count up, numbers count down, the live name is last', () => {
    const names = ['a', 'a.1', 'a.10.gz', 'a.2', 'a-20260102', 'a-20260101.gz', 'a.20260103-101500']
    expect(names.sort((x, y) => compareAge('a', x, y))).toEqual([
      'a-20260101.gz',
      'a-20260102',
      'a.20260103-101500',
      'a.10.gz',
      'a.2',
      'a.1',
      'a',
    ])
  })

  test('a rotated file never becomes a stream while its live file is missing', () => {
    const names = ['access.log.1', 'access.log.2.gz', 'access.log-20260101', 'access.log.3.zst']
    expect(liveNames(names, parseNamePattern('access*'))).toEqual(['access.log'])
    expect(liveNames(names, parseNamePattern('access*.log'))).toEqual(['access.log'])
  })
})

describe('discovery of plain files', () => {
  test('rotations are generations, whether the pattern matches them or not', async () => {
    await put('access.log', 'access.log.1', 'access.log.2.gz', 'access.log-20260101', 'other.log')
    await put('access-eu.log', 'access.log.3.tmp')
    for (const pattern of ['access*.log', 'access*']) {
      const source = { kind: 'files', patterns: [join(root, pattern)], sourceId: 'n1' } as const
      const { streams, problems } = await discover(source)
      expect(problems).toEqual([])
      expect(
        streams.map(({ stream, generations }) => [stream, generations.map((p) => basename(p))]),
      ).toEqual([
        ['file/n1/access-eu.log', ['access-eu.log']],
        [
          'file/n1/access.log',
          ['access.log-20260101', 'access.log.2.gz', 'access.log.1', 'access.log'],
        ],
      ])
    }
  })

  test('two live paths with one base name are an error that names both', async () => {
    await put('a/access.log', 'b/access.log')
    const patterns = [join(root, '*', 'access.log')]
    const both = discover({ kind: 'files', patterns, sourceId: 'n1' })
    await expect(both).rejects.toMatchObject({ code: 'METER_CONFIG_INVALID' })
    await expect(both).rejects.toThrow(`${root}/a/access.log and ${root}/b/access.log`)
  })

  test('overlapping patterns find a file once, two sources may not share it', async () => {
    await put('access.log')
    const patterns = [join(root, 'access.log'), join(root, '*.log')]
    const source = { kind: 'files', patterns, sourceId: 'n1' } as const
    expect((await discover(source)).streams).toHaveLength(1)
    await expect(discoverAll([source, { ...source, sourceId: 'n2' }])).rejects.toThrow(/twice/)
  })

  test('two roots that are one directory have one stream', async () => {
    await put('logs/access.log', 'logs/access.log.1')
    await symlink(join(root, 'logs'), join(root, 'alias'))
    const patterns = [join(root, 'logs', '*.log'), join(root, 'alias', '*.log')]
    const source = { kind: 'files', patterns, sourceId: 'n1' } as const
    const names = async (...sources: StreamSource[]) => {
      const { streams, problems } = await discoverAll(sources)
      return [streams.map(({ stream }) => stream), problems.map(({ reason }) => reason)]
    }
    expect(await names(source)).toEqual([['file/n1/access.log'], []])
    const [real, alias] = patterns.map((pattern) => [pattern])
    const twice: StreamSource[] = [
      { ...source, patterns: real ?? [] },
      { ...source, patterns: alias ?? [], sourceId: 'n2' },
    ]
    expect(await names(...twice)).toEqual([['file/n1/access.log'], ['linked']])
    // Between a rename and the new file too.
    await rm(join(root, 'logs', 'access.log'))
    expect(await names(...twice)).toEqual([['file/n1/access.log'], ['linked']])
  })

  test('of two names of one file, the first is read', async () => {
    await put('access.log', 'other.log')
    await link(join(root, 'access.log'), join(root, 'more.log'))
    const patterns = [join(root, '*.log')]
    const { streams, problems } = await discover({ kind: 'files', patterns, sourceId: 'n1' })
    expect(streams.map(({ liveName }) => liveName)).toEqual(['access.log', 'other.log'])
    expect(problems.map(({ path, reason }) => [basename(path), reason])).toEqual([
      ['more.log', 'linked'],
    ])
  })

  test('links, FIFOs and unknown compressions are problems, and are not listed', async () => {
    await put('access.log', 'access.log.4.zst')
    await symlink(join(root, 'access.log'), join(root, 'access.log.1'))
    execFileSync('mkfifo', [join(root, 'access.log.2')])
    await mkdir(join(root, 'access.log.3'))
    const patterns = [join(root, 'access.log')]
    const { streams, problems } = await discover({ kind: 'files', patterns, sourceId: 'n1' })
    expect(streams[0]?.generations).toEqual([join(root, 'access.log')])
    const found = problems.map(({ path, reason }) => `${basename(path)} ${reason}`).sort()
    expect(found).toEqual([
      'access.log.1 symlink',
      'access.log.2 not_a_file',
      'access.log.3 not_a_file',
      'access.log.4.zst compression',
    ])
  })

  test('a source that does not exist yet has no streams and no problem', async () => {
    const patterns = [join(root, 'later', '*.log')]
    const found = await discover({ kind: 'files', patterns, sourceId: 'n1' })
    expect(found).toEqual({ streams: [], problems: [] })
  })
})

describe('discovery of pods', () => {
  test('each attempt is a stream; only configured namespaces and containers are read', async () => {
    const pod = `gw_envoy-abc.x_${UID}`
    await put(`${pod}/envoy/0.log.20260101-000000.gz`, `${pod}/envoy/0.log.20260102-000000`)
    await put(`${pod}/envoy/10.log`, `${pod}/envoy/9.log`, `${pod}/envoy/01.log`)
    await put(`${pod}/sidecar/0.log`, `other_pod_${UID}/envoy/0.log`)
    const { streams, problems } = await discover({
      kind: 'kubernetes',
      root,
      namespaces: ['gw'],
      containers: ['envoy'],
    })
    expect(problems).toEqual([])
    expect(streams.map(({ stream }) => stream)).toEqual([
      `k8s/${UID}/envoy/0`,
      `k8s/${UID}/envoy/9`,
      `k8s/${UID}/envoy/10`,
    ])
    expect(streams[0]?.generations.map((path) => basename(path))).toEqual([
      '0.log.20260101-000000.gz',
      '0.log.20260102-000000',
    ])
  })

  test('a problem of a pod names it as Kubernetes does', async () => {
    const pod = `gw_envoy-abc.x_${UID}`
    await put(`${pod}/envoy/0.log`, `${pod}/envoy/0.log.1.zst`)
    const names = { namespaces: ['gw'], containers: ['envoy'] }
    const { problems } = await discover({ kind: 'kubernetes', root, ...names })
    expect(problems.map(({ message }) => message.replace(root, ''))).toEqual([
      `Pod gw/envoy-abc.x: /${pod}/envoy/0.log.1.zst: ` +
        'cannot be read; rotate with gzip or uncompressed',
    ])
  })

  test('pod names are read strictly', () => {
    expect(parsePodDirectory(`gw_envoy_${UID}`)).toEqual({
      namespace: 'gw',
      pod: 'envoy',
      uid: UID,
    })
    for (const bad of ['gw', 'gw_envoy', 'gw_a_b_c', 'Gw_a_b', '_a_b', 'gw_a_', 'gw_-a_b']) {
      expect(parsePodDirectory(bad)).toBeUndefined()
    }
  })

  test('links below the root are refused', async () => {
    await put(`gw_real_${UID}/envoy/0.log`)
    await symlink(join(root, `gw_real_${UID}`), join(root, 'gw_fake_2'))
    const names = { namespaces: ['gw'], containers: ['envoy'] }
    const { streams, problems } = await discover({ kind: 'kubernetes', root, ...names })
    expect(streams).toHaveLength(1)
    expect(problems.map(({ reason }) => reason)).toEqual(['symlink'])
  })
})

test('a problem is told once for as long as it lasts', () => {
  const log = new ProblemLog()
  const problem = problemOf('/a', 'symlink', 'is a link')
  expect(log.news([problem])).toEqual([problem])
  expect(log.news([problem])).toEqual([])
  expect(log.news([])).toEqual([])
  expect(log.news([problem])).toEqual([problem])
})
