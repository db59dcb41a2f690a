// Options of `Meter` that make no sense: an error with a code, that names the option and says what
// it may be. Nothing wrong is taken silently, because it would change a bill.

import { expect, test } from 'vitest'
import { MeterFastError } from '../../src/errors.ts'
import { Meter, type MeterOptions } from '../../src/meter.ts'

function problem(options: unknown): string {
  try {
    new Meter(options as MeterOptions).close()
    return 'accepted'
  } catch (error) {
    if (!(error instanceof MeterFastError)) throw error
    return `${error.code}: ${error.message}`
  }
}

const METER = { type: 'ai.example.com/calls', unit: '1', amount: 'requests', dimensions: [] }
const USAGE = 'METER_USAGE: '
const CONFIG = 'METER_CONFIG_INVALID: '

test.each([undefined, null, {}, { stream: '' }, { stream: null }, { stream: 5 }])(
  'options %j name no stream',
  (options) => {
    expect(problem(options)).toBe(`${USAGE}a Meter needs a stream: name the writer of the log`)
  },
)

const ENGINE = `${USAGE}the engine cannot be made: option`

test.each([
  [{ windowMs: 7000 }, `${ENGINE} windowMs is not a divisor of one hour`],
  [{ windowMs: 999 }, `${ENGINE} windowMs is not a whole number from 1000 to 3600000`],
  [{ windowMs: 7_200_000 }, `${ENGINE} windowMs is not a whole number from 1000 to 3600000`],
  [{ windowMs: 1500.5 }, `${ENGINE} windowMs is not a whole number from 1000 to 3600000`],
  [{ windowMs: Number.NaN }, `${ENGINE} windowMs is not a whole number from 1000 to 3600000`],
  [{ windowMs: '60s' }, `${ENGINE} windowMs is not a whole number from 1000 to 3600000`],
  [{ keysMax: 0 }, `${ENGINE} keysMax is not a whole number from 1 to 2147483648`],
  [{ streamStatesMax: -1 }, `${ENGINE} streamStatesMax is not a whole number from 1 to 2147483648`],
  [{ lineBytesMax: 1023 }, `${ENGINE} lineBytesMax is not a whole number from 1024 to 1073741824`],
  [
    { lineBytesMax: 2 ** 31 },
    `${ENGINE} lineBytesMax is not a whole number from 1024 to 1073741824`,
  ],
  [{ envelope: 'xml' }, `${ENGINE} envelope is not one of auto, raw, cri, docker`],
  [{ totalsOnly: 1 }, `${ENGINE} totalsOnly is not true or false`],
  [{ exclude: { codes: '429' } }, `${ENGINE} codes is not an array`],
])('%j', (options, expected) => {
  expect(problem({ stream: 's', ...options })).toBe(expected)
})

const PRESETS = 'datum, envoy-gateway, istio or contour'

test.each([
  ['nope', `format: unknown preset "nope"; choose ${PRESETS}, or write a map of roles`],
  ['', `format: unknown preset ""; choose ${PRESETS}, or write a map of roles`],
  [5, `format: 5 is no format; write ${PRESETS}, or a map of roles`],
  [
    {},
    'format.project: is missing; ' +
      'write a key, {route: namespace, strip: PREFIX} or {constant: NAME}',
  ],
  [{ project: 'p', rout: 'x' }, 'format.rout: unknown role; did you mean route?'],
  [
    { project: '/a~2' },
    'format.project: "/a~2" is no JSON Pointer; write ~ as ~0 and / inside a key as ~1',
  ],
  [
    { project: { constant: 'P' } },
    'format.project: "P" is no project; write at most 63 of a-z, 0-9 and inner -',
  ],
  [
    { project: { route: 'namespace' } },
    "format.project: the route's namespace needs a route; give the role route a key",
  ],
])('format %j', (format, expected) => {
  expect(problem({ stream: 's', format })).toBe(`${CONFIG}${expected}`)
})

test('every problem of a catalog is told at once', () => {
  const meters = [METER, { ...METER, type: '' }, { ...METER, amount: 'all', dimensions: [5] }]
  expect(problem({ stream: 's', catalog: { source: '', subject: 'all', meters } })).toBe(
    [
      `${CONFIG}catalog.source: is no text; write a URI`,
      'catalog.subject: names no project; write projects/{project}',
      'catalog.meters[1].type: is no text; write the type of its events',
      'catalog.meters[2].amount: is no amount; ' +
        'choose requests, egressBytes, ingressBytes, connectionSeconds',
      'catalog.meters[2].dimensions: is no list of texts; write [] for none',
    ].join('\n'),
  )
  const none = problem({ stream: 's', catalog: { source: 'a', subject: '{project}', meters: [] } })
  expect(none).toBe(`${CONFIG}catalog.meters: is no list with meters; name at least one`)
})

test('every problem of a format is told at once', () => {
  const lines = problem({ stream: 's', format: { rout: 'x', egressBytes: '' } }).split('\n')
  expect(lines).toHaveLength(3)
})

test.each([
  [
    { connectionSeconds: 'floor' },
    'connectionSeconds: "floor" is no way to bill seconds; choose exact or per_request_floor',
  ],
  [{ dimensions: { region: 5 } }, 'dimensions.region: 5 is no text; write a string'],
  [
    { dimensions: { project_name: 'x' } },
    'dimensions.project_name: it is made from the project and the route; remove it',
  ],
  [
    { lineDimensions: [{ name: 'httproute_name', from: 'x' }] },
    'dimensions.httproute_name: it is made from the project and the route; remove it',
  ],
  [
    { lineDimensions: [{ name: 'region', from: '' }] },
    'dimensions.region: "" is no key of a line; write a key, or a JSON Pointer such as /a/0/b',
  ],
  [
    { format: { project: 'p' }, exclude: { codes: ['429'] } },
    'exclude.codes: it needs the role responseCode; map it to its key in the format',
  ],
  [
    { format: { project: 'p' }, exclude: { flags: ['NR'] } },
    'exclude.flags: it needs the role responseFlags; map it to its key in the format',
  ],
])('%j', (options, expected) => {
  expect(problem({ stream: 's', ...options })).toBe(`${CONFIG}${expected}`)
})

test.each([
  {},
  { format: 'datum' },
  { format: 'envoy-gateway' },
  { format: { project: { constant: 'a' } } },
  { envelope: 'auto' },
  { envelope: 'raw' },
  { envelope: 'cri' },
  { windowMs: 1000 },
  { windowMs: 3_600_000 },
  { connectionSeconds: 'exact' },
  { connectionSeconds: 'per_request_floor' },
  { dimensions: { region: 'us-east-1' } },
  { lineDimensions: [{ name: 'region', from: '/a/b' }] },
  { exclude: {} },
  { exclude: { codes: ['429'], flags: ['NR'] } },
  { lineBytesMax: 1024 },
  { keysMax: 1 },
  { streamStatesMax: 1 },
  { totalsOnly: true },
  { catalog: { source: 'urn:ai', subject: '{project}', meters: [METER] } },
])('%j is accepted', (options) => {
  expect(problem({ stream: 's', ...options })).toBe('accepted')
})
