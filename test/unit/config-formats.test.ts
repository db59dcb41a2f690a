// Formats: presets and maps become paths and indexes; what is wrong in one is told by role.

import { describe, expect, test } from 'vitest'
import { formatProblems, resolveFormat } from '../../src/config/formats.ts'
import { autoFormat, type FormatMap, PRESET_NAMES } from '../../src/config/presets.ts'
import { MeterFastError } from '../../src/errors.ts'

describe('presets', () => {
  test('datum reads the project from its key', () => {
    const { name, project, roles, paths, roleKeys } = resolveFormat('datum')
    expect(name).toBe('datum')
    expect(project).toEqual({ from: 'key' })
    expect(paths[roles.project ?? -1]).toEqual(['project_name'])
    expect(roleKeys).toEqual({
      project: 'project_name',
      route: 'route_name',
      egressBytes: 'bytes_sent',
      ingressBytes: 'bytes_received',
      durationMs: 'duration',
      startTime: 'start_time',
      logType: 'access_log_type',
      streamId: 'stream_id',
      connectionId: 'connection_id',
      responseFlags: 'response_flags',
      responseCode: 'response_code',
      responseCodeDetails: 'response_code_details',
    })
  })

  test("envoy-gateway takes the route's namespace, whole, and the same other keys", () => {
    const { project: _, ...others } = resolveFormat('datum').roleKeys
    const { project, roles, roleKeys } = resolveFormat('envoy-gateway')
    expect(project).toEqual({ from: 'routeNamespace', strip: '' })
    expect(roles.project).toBeUndefined()
    expect(roleKeys).toEqual(others)
  })

  test('an unknown preset names the known ones', () => {
    expect(() => resolveFormat('nginx')).toThrow(
      new MeterFastError(
        'METER_CONFIG_INVALID',
        'format: unknown preset "nginx"; ' +
          'choose datum, envoy-gateway, istio or contour, or write a map of roles',
      ),
    )
  })

  test.each(['istio', 'contour'])('%s asks for a project, and says how to give one', (name) => {
    expect(() => resolveFormat(name)).toThrow(
      `the lines of ${name} name no project; give one in the configuration: ` +
        `format: { preset: ${name}, project: { constant: NAME } }`,
    )
    expect(() => resolveFormat({ preset: name } as FormatMap)).toThrow('format.project: is missing')
  })

  test('istio has the keys of envoy-gateway; contour a time of its own and no route', () => {
    const project = { constant: 'p' }
    const { roleKeys } = resolveFormat('envoy-gateway')
    expect(resolveFormat({ preset: 'istio', project })).toMatchObject({ name: 'istio', roleKeys })
    const { route: _, ...rest } = roleKeys
    const contour = resolveFormat({ preset: 'contour', project })
    expect(contour.name).toBe('contour')
    expect(contour.roleKeys).toEqual({ ...rest, startTime: '@timestamp' })
  })

  test('a map may begin from a preset and say only what is different', () => {
    const spec: FormatMap = { preset: 'datum', project: { route: 'namespace' }, route: 'via' }
    const { name, project, roles, roleKeys } = resolveFormat(spec)
    const { project: _, ...others } = resolveFormat('datum').roleKeys
    expect(name).toBe('datum')
    expect(project).toEqual({ from: 'routeNamespace', strip: '' })
    expect(roles.project).toBeUndefined()
    expect(roleKeys).toEqual({ ...others, route: 'via' })
  })

  test('no name of an object property is a preset', () => {
    expect(formatProblems('toString')).toHaveLength(1)
  })
})

describe('maps', () => {
  test('two roles may share a key, also when one writes it as a pointer', () => {
    const { paths, roles } = resolveFormat({ project: 'p', streamId: 'id', connectionId: '/id' })
    expect(paths).toEqual([['p'], ['id']])
    expect(roles).toEqual({ project: 0, streamId: 1, connectionId: 1 })
  })

  test.each([
    ['/gateway/0/name', ['gateway', '0', 'name']],
    ['/a~1b/c~0d', ['a/b', 'c~d']],
    ['/~01', ['~1']],
    ['/', ['']],
    ['/a/', ['a', '']],
    ['a/b', ['a/b']],
    ['a~b', ['a~b']],
  ])('the key %s has the path %j', (key, path) => {
    expect(resolveFormat({ project: key }).paths).toEqual([path])
  })

  test('a dimension that is read from a key of a role shares its path', () => {
    const format = resolveFormat('datum', [
      { name: 'gateway', from: '/gateway/0/name' },
      { name: 'code', from: 'response_code' },
    ])
    expect(format.dimensionNames).toEqual(['gateway', 'code'])
    expect(format.dimensions).toEqual([12, format.roles.responseCode])
    expect(format.paths[12]).toEqual(['gateway', '0', 'name'])
  })

  test('a project may be constant', () => {
    const { project, paths } = resolveFormat({ project: { constant: 'p-1' }, route: 'r' })
    expect(project).toEqual({ from: 'constant', value: 'p-1' })
    expect(paths).toEqual([['r']])
  })

  test("a prefix may be stripped from the route's namespace", () => {
    const spec: FormatMap = { project: { route: 'namespace', strip: 'ns-' }, route: 'r' }
    expect(resolveFormat(spec).project).toEqual({ from: 'routeNamespace', strip: 'ns-' })
  })

  test('all problems are thrown at once', () => {
    expect(() => resolveFormat({ route: '', egress: 'b' } as unknown as FormatMap)).toThrow(
      [
        'format.route: "" is no key of a line; write a key, or a JSON Pointer such as /a/0/b',
        'format.egress: unknown role; did you mean egressBytes?',
        'format.project: is missing; ' +
          'write a key, {route: namespace, strip: PREFIX} or {constant: NAME}',
      ].join('\n'),
    )
  })

  test.each([
    ['no map', 7],
    ['a list', []],
    ['an empty project', { project: '' }],
    ['a pointer with a bare ~', { project: '/a~b' }],
    ['a pointer that ends in ~', { project: '/a~' }],
    ['a pointer below the deepest line', { project: '/a'.repeat(65) }],
    ['a key that is a number', { project: 'p', route: 1 }],
    ['an unknown preset', { preset: 'nginx', project: 'p' }],
    ['a preset that is a list', { preset: [], project: 'p' }],
    ['a name of an object property as preset', { preset: 'toString', project: 'p' }],
    ['a preset without a project', { preset: 'contour' }],
    [
      'a preset without a route, whose namespace is the project',
      {
        preset: 'contour',
        project: { route: 'namespace' },
      },
    ],
    ['a project of nothing', { project: null }],
    ['a project of two forms', { project: { route: 'namespace', constant: 'p' }, route: 'r' }],
    ['a project of an unknown form', { project: { header: 'x' } }],
    ['a part of the route that is none', { project: { route: 'name' }, route: 'r' }],
    ['a strip that is a number', { project: { route: 'namespace', strip: 1 }, route: 'r' }],
    ['a route namespace without a route', { project: { route: 'namespace' } }],
    ['a constant project in capitals', { project: { constant: 'P' } }],
    ['a constant project with an end of -', { project: { constant: 'p-' } }],
    ['a constant project of 64 bytes', { project: { constant: 'p'.repeat(64) } }],
    ['a constant project with a line end', { project: { constant: 'p\n' } }],
  ])('%s is one problem', (_name, spec) => {
    expect(formatProblems(spec)).toHaveLength(1)
  })

  test('a constant project of 63 bytes is accepted', () => {
    expect(formatProblems({ project: { constant: 'p'.repeat(63) } })).toEqual([])
  })
})

describe('auto', () => {
  const amounts = ['bytes_sent', 'bytes_received', 'duration']

  test('presets are tried in order: datum needs its project, envoy-gateway only amounts', () => {
    expect(PRESET_NAMES).toEqual(['datum', 'envoy-gateway', 'istio', 'contour'])
    expect(autoFormat([...amounts, 'project_name', 'method'])).toBe('datum')
    expect(autoFormat([...amounts, 'route_name'])).toBe('envoy-gateway')
  })

  test.each(amounts)('without %s no preset fits', (missing) => {
    expect(autoFormat(['project_name', ...amounts].filter((key) => key !== missing))).toBe(
      undefined,
    )
  })
})
