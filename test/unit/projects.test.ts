// Who is billed, DESIGN 4.5: good and bad projects, and the three ways to name one.

import { describe, expect, test } from 'vitest'
import type { FormatMap } from '../../src/config/presets.ts'
import { line, lineWith, metered, outcomes, type RuleOptions } from './metering.ts'

describe('projects', () => {
  test.each(['a', '0', 'p-abc', 'null', '0a-9', 'a--b', 'a'.repeat(63), `a${'-'.repeat(61)}b`])(
    '%s is billed',
    (project_name) => {
      const { totals } = metered([line({ project_name })]).scan
      expect(totals.map(({ project }) => project)).toEqual([project_name])
    },
  )

  test('a project in escapes is the same project', () => {
    const escaped = lineWith('"project_name":"\\u0070-\\u0061"', { project_name: undefined })
    expect(metered([escaped, line()]).scan.totals).toHaveLength(1)
  })

  test.each(
    [
      '-a',
      'a-',
      '--',
      'A',
      'p_a',
      'p.a',
      'p a',
      ' p',
      'p/a',
      'p-\u00e9',
      'a\n',
      'a\u0000',
      'null',
      'a'.repeat(64),
      5,
      0,
      true,
      false,
      [],
      {},
      ['p-a'],
    ].filter((value) => value !== 'null'),
  )('%j is bad_project, with a route or without', (value) => {
    const input = [line({ project_name: value }), line({ project_name: value, route_name: null })]
    const files = [Buffer.from(`${input.join('\n')}\n`)]
    expect(outcomes(files)).toEqual({ 'unattributed.bad_project': 2 })
  })

  test.each([null, '', '-', undefined])('%j is none: no_project, or no_route without', (value) => {
    const without = [null, '', '-', undefined, 5].map((route_name) =>
      line({ project_name: value, route_name }),
    )
    expect(outcomes([line({ project_name: value }), ...without])).toEqual({
      'unattributed.no_project': 1,
      'unattributed.no_route': 5,
    })
  })

  test('what a line needs is a project: without a route it is billed', () => {
    expect(metered([line({ route_name: null })]).scan.totals[0]?.route).toBe(null)
  })
})

describe('the namespace of the route as the project', () => {
  const custom = (strip?: string): RuleOptions => ({
    format: {
      project: { route: 'namespace', ...(strip !== undefined && { strip }) },
      route: 'route_name',
      egressBytes: 'bytes_sent',
      startTime: 'start_time',
    } satisfies FormatMap,
  })
  const projectOf = (route_name: unknown, options: RuleOptions): string => {
    const { totals, lines } = metered([line({ route_name })], options).scan
    return totals[0]?.project ?? Object.keys(lines.unattributed).join()
  }

  test.each([
    ['httproute/ns-a/web', 'ns-a'],
    ['grpcroute/ns-a/web', 'ns-a'],
    ['httproute/NS/web', 'bad_project'],
    ['httproute/-/web', 'no_project'],
    [`httproute/${'n'.repeat(64)}/web`, 'bad_project'],
    ['default', 'no_project'],
    ['httproute/ns-a', 'no_project'],
    [null, 'no_route'],
    ['-', 'no_route'],
    [7, 'no_route'],
  ])('%j gives %s', (route, expected) => {
    expect(projectOf(route, custom())).toBe(expected)
    expect(projectOf(route, { format: 'envoy-gateway' })).toBe(expected)
  })

  test.each([
    ['httproute/ns-a/web', 'a'],
    ['httproute/ns-ns-a/web', 'ns-a'],
    ['httproute/a/web', 'a'],
    ['httproute/a-ns-/web', 'bad_project'],
    ['httproute/ns-/web', 'no_project'],
    ['httproute/ns--/web', 'no_project'],
    ['httproute/ns-A/web', 'bad_project'],
  ])('%j gives %s when ns- is stripped', (route, expected) => {
    expect(projectOf(route, custom('ns-'))).toBe(expected)
  })

  test('the key of another preset is not read', () => {
    const { totals } = metered([line({ project_name: 'p-b' })], { format: 'envoy-gateway' }).scan
    expect(totals.map(({ project }) => project)).toEqual(['ns-a'])
  })

  test('the namespace is still the namespace of the key', () => {
    const [row] = metered([line()], custom('ns-')).scan.totals
    expect(row).toMatchObject({ project: 'a', route: { namespace: 'ns-a', name: 'web' } })
  })
})

test('a constant project takes every line, with a route or without', () => {
  const format: FormatMap = {
    project: { constant: 'all' },
    route: 'route_name',
    startTime: 'start_time',
  }
  const input = [line(), line({ route_name: null }), line({ project_name: 'P', route_name: 'x' })]
  const { totals, lines } = metered(input, { format }).scan
  expect(lines).toMatchObject({ read: 3, metered: 3 })
  expect(totals.map(({ project, route }) => [project, route?.kind])).toEqual([
    ['all', undefined],
    ['all', 'HTTPRoute'],
    ['all', 'unknown'],
  ])
})
