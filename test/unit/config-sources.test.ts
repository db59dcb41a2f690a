// Where values come from: flag over environment over file over default, and `${NAME}` in texts.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test.
import { describe, expect, test } from 'vitest'
import { FIELDS } from '../../src/config/fields.ts'
import { CONFIG_FLAGS } from '../../src/config/overrides.ts'
import {
  formatDuration,
  formatSize,
  parseDurationMs,
  parseSizeBytes,
} from '../../src/config/units.ts'
import { config, folded, LEAST, load, problemsOf } from './config-file.ts'

/** The region that `text` gives under `env`. */
function region(text: string, env: NodeJS.ProcessEnv): string | undefined {
  const rest = `dimensions: { region: ${JSON.stringify(text)} }`
  return load(config({ rest }), { env }).dimensions.region
}

describe('precedence', () => {
  const file = `${LEAST}\nwindow: 30s`

  test('a flag is above the environment, that above the file, the file above defaults', () => {
    const env = { METER_FAST_WINDOW: '20s' }
    const flags = { window: '10s' }
    expect(load(file, { env, flags }).windowMs).toBe(10_000)
    expect(load(file, { env }).windowMs).toBe(20_000)
    expect(load(file).windowMs).toBe(30_000)
    expect(load(LEAST).windowMs).toBe(60_000)
  })

  test('an empty variable and variables of others are not read', () => {
    const env = { METER_FAST_WINDOW: '', METER_FAST_SERVICE_HOST: '10.0.0.1', METER_FAST_PORT: 'x' }
    expect(load(file, { env }).windowMs).toBe(30_000)
  })

  test('a wrong flag or variable is a problem that names it', () => {
    const env = { METER_FAST_LIMITS_KEYS_MAX: 'many' }
    const flags = { 'state-spool-bytes-max': '1KB', window: '7s' }
    expect(folded(problemsOf(file, { env, flags }).join('\n'))).toMatchInlineSnapshot(`
      "METER_FAST_LIMITS_KEYS_MAX: limits.keys_max: "many" is no count;
        write a whole number
      --state-spool-bytes-max: state.spool_bytes_max: "1KB" is no size;
        write bytes, or a whole number with KiB, MiB, GiB or TiB, such as 10GiB
      --window: window: 7s does not divide one hour;
        choose 10s, 60s, 5m or another that does"
    `)
  })

  test('what is overridden is not read from the file', () => {
    const text = config({ rest: `state: { dir: '\${NOWHERE}' }` })
    expect(problemsOf(text)).toHaveLength(1)
    expect(load(text, { flags: { 'state-dir': '/s' } }).state.dir).toBe('/s')
  })

  test("another sink type by flag sets the file's sink aside", () => {
    const text = config({ sink: '{ type: milo-gateway, url: http://a }' })
    expect(load(text, { flags: { 'sink-type': 'stdout' } }).sink).toEqual({ type: 'stdout' })
    const unset = config({ sink: `{ type: milo-gateway, url: '\${URL}' }` })
    expect(load(unset, { flags: { 'sink-type': 'stdout' } }).sink).toEqual({ type: 'stdout' })
    const flags = { 'sink-type': 'milo-gateway', 'sink-url': 'http://b' }
    expect(load(text, { flags }).sink).toMatchObject({ url: 'http://b' })
  })

  test('every scalar field outside a list has a flag', () => {
    const MAPS = ['dimensions', 'amounts']
    const scalar = FIELDS.filter(
      ({ path, kind }) => !path.includes('[]') && ![...MAPS, 'list', 'format'].includes(kind),
    )
    expect(Object.keys(CONFIG_FLAGS)).toEqual(
      scalar.map(({ path }) => path.replaceAll(/[._]/g, '-')),
    )
  })
})

describe('the environment in texts', () => {
  test.each([
    ['${R}', { R: 'eu' }, 'eu'],
    ['a-${R}-${S}', { R: 'eu', S: '1' }, 'a-eu-1'],
    ['${R:-us}', {}, 'us'],
    ['${R:-us}', { R: '' }, 'us'],
    ['${R:-us}', { R: 'eu' }, 'eu'],
    ['${R:-a:-b}', {}, 'a:-b'],
    ['$${R}', { R: 'eu' }, '${R}'],
    ['$R', { R: 'eu' }, '$R'],
    ['${R}', { R: '${S}' }, '${S}'],
  ])('%s with %j is %s', (text, env, expected) => {
    expect(region(text, env)).toBe(expected)
  })

  test('a value can add no keys', () => {
    expect(region('${R}', { R: 'a\nwindow: 1h' })).toBe('a\nwindow: 1h')
  })

  test('durations, sizes, counts and choices may come from the environment', () => {
    const rest = `window: '\${W}'\nconnection_seconds: '\${C}'\nlimits: { keys_max: '\${K}' }`
    const env = { W: '10s', C: 'per_request_floor', K: '5' }
    expect(load(config({ rest }), { env })).toMatchObject({
      windowMs: 10_000,
      connectionSeconds: 'per_request_floor',
      limits: { keysMax: 5 },
    })
  })

  test('a missing variable is one problem with its place, beside all others', () => {
    const rest = `dimensions:\n  region: '\${REGION}'\n  zone: ''\n  project_name: x`
    expect(folded(problemsOf(config({ rest })).join('\n'))).toMatchInlineSnapshot(`
      "meter.yaml:5:11: dimensions.region: the environment variable REGION is not set;
        set it, or write \${REGION:-default}
      meter.yaml:6:9: dimensions.zone: it has 0 bytes;
        write 1 to 256 bytes, or remove it
      meter.yaml:7:3: dimensions.project_name: it is made from the project and the route;
        remove it"
    `)
  })

  test('a missing variable in a format does not hide what else is wrong in it', () => {
    const format = `{ project: { route: namespace }, route: '\${ROUTE}', egress: b }`
    const stream = `{ files: [/a], source_id: n, format: ${format} }`
    expect(folded(problemsOf(config({ stream })).join('\n'))).toMatchInlineSnapshot(`
      "meter.yaml:2:82: streams[0].format.route: the environment variable ROUTE is not set;
        set it, or write \${ROUTE:-default}
      meter.yaml:2:94: streams[0].format.egress: unknown role;
        did you mean egressBytes?"
    `)
  })

  test.each(['${', '${R', '${}', '${R-x}', '${1}'])('%s is a problem', (text) => {
    const rest = `dimensions: { region: ${JSON.stringify(text)} }`
    expect(problemsOf(config({ rest }))).toEqual([expect.stringContaining('write ${NAME}')])
  })
})

describe('units', () => {
  test.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['1', undefined],
    ['1.5s', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['1d', undefined],
    ['', undefined],
    ['9999999999999999h', undefined],
  ])('the duration %s is %s ms', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected)
  })

  test.each([
    ['10GiB', 10 * 2 ** 30],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['1TiB', 2 ** 40],
    ['4096', 4096],
    ['4096B', 4096],
    ['10GB', undefined],
    ['0.5MiB', undefined],
    ['9999999999999999', undefined],
  ])('the size %s is %s bytes', (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected)
  })

  test.each([0, 1, 1500, 60_000, 90_000, 3_600_000])('%s ms and bytes are written as read', (n) => {
    expect(parseDurationMs(formatDuration(n))).toBe(n)
    expect(parseSizeBytes(formatSize(n))).toBe(n)
  })
})
