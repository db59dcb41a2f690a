// The JSON Schema: a valid schema that accepts what the documentation shows and finds misspellings.

import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { FIELDS } from '../../src/config/fields.ts'
import { configSchema } from '../../src/config/json-schema.ts'
import { config, FILES, LEAST } from './config-file.ts'

const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(
  configSchema(),
)

function accepts(text: string): boolean {
  return validate(parse(text)) as boolean
}

const EXAMPLE = `
window: 60s
connection_seconds: exact            # or per_request_floor
streams:
  - kubernetes: { namespaces: [datum-downstream-gateway], containers: [envoy] }
    root: /var/log/pods              # <namespace>_<pod>_<uid>/<container>/<n>.log
    format: datum
  - files: ['/var/log/envoy/access*.log']
    source_id: '\${NODE_NAME}'
    envelope: auto                   # raw | cri | docker
    format: { project: project_name, route: route_name, egressBytes: bytes_sent,
              ingressBytes: bytes_received, durationMs: duration, startTime: start_time }
dimensions: { region: '\${REGION}', gateway_class: datum-downstream-gateway }
catalog: service-configuration.yaml  # optional; the built-in one otherwise
exclude: { response_flags: [], response_codes: [] }
state: { dir: /var/lib/meter-fast, spool_bytes_max: 10GiB, held_bytes_max: 10GiB }
sink: { type: milo-gateway, url: 'http://127.0.0.1:8080', bearer_file: /run/token,
        tls: { ca_file: ..., cert_file: ..., key_file: ... } }
observe: { listen: 127.0.0.1:9464 }  # /metrics /healthz /readyz
`

describe('the schema', () => {
  test('accepts the example of the documentation', () => {
    expect(accepts(EXAMPLE), JSON.stringify(validate.errors)).toBe(true)
  })

  test.each([
    ['the least configuration', LEAST],
    ['a file sink', config({ sink: '{ type: file, path: /x }' })],
    [
      'a file sink that is rotated',
      config({ sink: '{ type: file, path: /x, file_bytes_max: 1GiB }' }),
    ],
    [
      'a nats sink',
      config({ sink: '{ type: nats, stream: u, servers: ["tls://a:1"], creds_file: /c }' }),
    ],
    [
      'a collector with gzip',
      config({ sink: '{ type: collector, url: http://a, compression: gzip }' }),
    ],
    [
      'a receiver of CloudEvents with a token',
      config({ sink: '{ type: cloudevents-http, url: https://a/b, bearer_file: /t }' }),
    ],
    [
      'variables in every kind of scalar',
      config({ rest: `window: '\${W}'\nlimits: { keys_max: '\${K}' }` }),
    ],
    ['a dimension of the line', config({ rest: 'dimensions: { gateway: { from: /a/0 } }' })],
    ['amounts of meters', config({ rest: 'meters: { amounts: { a.b/c: egressBytes } }' })],
    ['codes as numbers', config({ rest: 'exclude: { response_codes: [0, 503] }' })],
    [
      'a constant project',
      config({ stream: `${FILES.slice(0, -1)}, format: { project: { constant: p } } }` }),
    ],
  ])('accepts %s', (_name, text) => {
    expect(accepts(text), JSON.stringify(validate.errors)).toBe(true)
  })

  test.each([
    ['no streams', 'sink: { type: stdout }'],
    ['no sink', `streams: [${FILES}]`],
    ['an unknown key', config({ rest: 'windows: 60s' })],
    ['an unknown nested key', config({ rest: 'state: { path: /x }' })],
    ['a duration without unit', config({ rest: 'window: 60' })],
    ['a size in GB', config({ rest: 'state: { spool_bytes_max: 10GB }' })],
    ['files without source_id', config({ stream: '{ files: [/a] }' })],
    [
      'a stream of both kinds',
      config({
        stream: '{ files: [/a], source_id: n, kubernetes: { namespaces: [a], containers: [b] } }',
      }),
    ],
    ['a file sink without path', config({ sink: '{ type: file }' })],
    ['a file sink with a url', config({ sink: '{ type: file, path: /x, url: http://a }' })],
    ['a collector without url', config({ sink: '{ type: collector }' })],
    [
      'gzip to the gateway',
      config({ sink: '{ type: milo-gateway, url: http://a, compression: gzip }' }),
    ],
    ['an unknown sink', config({ sink: '{ type: kafka }' })],
    ['an unknown preset', config({ stream: `${FILES.slice(0, -1)}, format: nginx }` })],
    [
      'an unknown role',
      config({ stream: `${FILES.slice(0, -1)}, format: { project: p, bytes: b } }` }),
    ],
    ['an unknown amount', config({ rest: 'meters: { amounts: { a.b/c: tokens } }' })],
    ['a reserved dimension', config({ rest: 'dimensions: { project_name: x }' })],
  ])('refuses %s', (_name, text) => {
    expect(accepts(text)).toBe(false)
  })

  test('has a sentence for every field', () => {
    const text = JSON.stringify(configSchema())
    for (const { about } of FIELDS) expect(text).toContain(JSON.stringify(about))
  })
})
