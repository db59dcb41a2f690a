// Loading: all problems at once with places, every rule between fields, and the resolved result.

import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { NETWORK_SERVICES } from '../../src/catalog/network-services.ts'
import { loadConfig } from '../../src/config/load.ts'
import { MeterFastError } from '../../src/errors.ts'
import { config, folded, GATEWAY, LEAST, load, problemsOf } from './config-file.ts'

describe('problems', () => {
  test('five mistakes give five problems, each with line, column, key and what to do', () => {
    const text = `window: 7s
conection_seconds: exact
streams:
  - files: [/var/log/envoy/access.log]
dimensions: { project_name: p-1 }
state:
  spool_bytes_max: 10GB
sink: { type: stdout }
`
    let error: unknown
    try {
      load(text)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(MeterFastError)
    expect((error as MeterFastError).code).toBe('METER_CONFIG_INVALID')
    expect((error as MeterFastError).exitCode).toBe(78)
    expect(folded((error as MeterFastError).message)).toMatchInlineSnapshot(`
      "meter.yaml has 5 problems:
      meter.yaml:1:9: window: 7s does not divide one hour;
        choose 10s, 60s, 5m or another that does
      meter.yaml:2:1: conection_seconds: unknown key;
        did you mean connection_seconds?
      meter.yaml:4:5: streams[0].source_id: is missing;
        give each node a name of its own, such as '\${NODE_NAME}'
      meter.yaml:5:15: dimensions.project_name: it is made from the project and the route;
        remove it
      meter.yaml:7:20: state.spool_bytes_max: "10GB" is no size;
        write bytes, or a whole number with KiB, MiB, GiB or TiB, such as 10GiB"
    `)
  })

  test('a file that is no YAML tells where it ends to be YAML', () => {
    expect(folded(problemsOf('window: "60s\nsink: {').join('\n'))).toMatchInlineSnapshot(`
      "meter.yaml:2:8: Missing closing "quote;
        mend the YAML;
        a value with \${NAME} inside { } or [ ] needs quotes"
    `)
  })

  test('a key that is written twice is a problem', () => {
    expect(problemsOf(`${LEAST}\nwindow: 60s\nwindow: 30s`).join()).toContain('must be unique')
  })

  test('an empty file lacks streams and a sink', () => {
    expect(problemsOf('')).toMatchInlineSnapshot(`
      [
        "meter.yaml:1:1: streams: is missing; say what is read: kubernetes or files",
        "meter.yaml:1:1: sink.type: is missing; choose stdout, file, milo-gateway, collector, cloudevents-http or nats",
      ]
    `)
  })

  test('a file that cannot be read is a missing input, not a wrong configuration', () => {
    const missing = () => loadConfig('/nowhere/meter.yaml', { env: {} })
    expect(missing).toThrow(expect.objectContaining({ code: 'METER_INPUT_MISSING', exitCode: 66 }))
    expect(missing).toThrow('/nowhere/meter.yaml cannot be read')
  })

  test('an alias that holds itself is refused', () => {
    expect(problemsOf('streams: &a [*a]\nsink: { type: stdout }').join()).toContain('never end')
  })

  test('aliases that multiply are refused instead of filling memory', () => {
    const rows = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let level = 1; level < 8; level += 1) {
      const inner = Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')
      rows.push(`b${level}: &a${level} [${inner}]`)
    }
    expect(problemsOf(rows.join('\n')).join()).toContain('too many values')
  })

  test('an anchor may share a format between streams', () => {
    const text = `
streams:
  - { files: [/a.log], source_id: a, format: &f { project: tenant, startTime: at } }
  - { files: [/b.log], source_id: b, format: *f }
sink: { type: stdout }`
    expect(load(text).streams.map(({ format }) => format.roleKeys.project)).toEqual([
      'tenant',
      'tenant',
    ])
  })
})

describe('the result', () => {
  test('the least configuration has every default', () => {
    const { workersMax, catalog, ...rest } = load(LEAST)
    expect(catalog).toEqual(NETWORK_SERVICES)
    expect(workersMax).toBe(Math.min(availableParallelism(), 4))
    expect(rest).toMatchInlineSnapshot(`
      {
        "ambiguousPolicy": "resend",
        "connectionSeconds": "exact",
        "dimensions": {},
        "exclude": {
          "codes": [],
          "flags": [],
        },
        "limits": {
          "keysMax": 1000000,
          "lineBytesMax": 1048576,
          "streamStatesMax": 1000000,
        },
        "lineDimensions": [],
        "observe": {
          "listen": undefined,
          "logForm": "auto",
          "logLevel": "info",
          "routeSeriesMax": undefined,
        },
        "onMissingState": "backfill",
        "sink": {
          "type": "stdout",
        },
        "sinkDedupWindowMs": 120000,
        "state": {
          "acceptedRetentionMs": 259200000,
          "dir": "/var/lib/meter-fast",
          "heldBytesMax": 10737418240,
          "ledgerRetentionMs": 3024000000,
          "quarantineBytesMax": 1073741824,
          "reserveBytes": 67108864,
          "spoolBytesMax": 10737418240,
        },
        "streams": [
          {
            "envelope": "auto",
            "format": {
              "dimensionNames": [],
              "dimensions": [],
              "name": "datum",
              "paths": [
                [
                  "project_name",
                ],
                [
                  "route_name",
                ],
                [
                  "bytes_sent",
                ],
                [
                  "bytes_received",
                ],
                [
                  "duration",
                ],
                [
                  "start_time",
                ],
                [
                  "access_log_type",
                ],
                [
                  "stream_id",
                ],
                [
                  "connection_id",
                ],
                [
                  "response_flags",
                ],
                [
                  "response_code",
                ],
                [
                  "response_code_details",
                ],
              ],
              "project": {
                "from": "key",
              },
              "roleKeys": {
                "connectionId": "connection_id",
                "durationMs": "duration",
                "egressBytes": "bytes_sent",
                "ingressBytes": "bytes_received",
                "logType": "access_log_type",
                "project": "project_name",
                "responseCode": "response_code",
                "responseCodeDetails": "response_code_details",
                "responseFlags": "response_flags",
                "route": "route_name",
                "startTime": "start_time",
                "streamId": "stream_id",
              },
              "roles": {
                "connectionId": 8,
                "durationMs": 4,
                "egressBytes": 2,
                "ingressBytes": 3,
                "logType": 6,
                "project": 0,
                "responseCode": 10,
                "responseCodeDetails": 11,
                "responseFlags": 9,
                "route": 1,
                "startTime": 5,
                "streamId": 7,
              },
            },
            "kind": "files",
            "patterns": [
              "/var/log/envoy/access.log",
            ],
            "sourceId": "n1",
          },
        ],
        "windowMs": 60000,
      }
    `)
  })

  test('a full configuration is resolved', () => {
    const { streams, catalog, ...rest } = load(`
window: 5m
connection_seconds: per_request_floor
streams:
  - kubernetes: { namespaces: [downstream], containers: [envoy] }
    root: /pods/
    envelope: cri
    format: envoy-gateway
dimensions: { region: us-east-1, gateway: { from: /gateway/0/name } }
exclude: { response_flags: [NR], response_codes: [0, '503'] }
limits: { line_bytes_max: 64KiB, keys_max: 10, stream_states_max: 20 }
workers_max: 3
state: { dir: /s, spool_bytes_max: 1GiB, held_bytes_max: 1048576 }
sink:
  type: milo-gateway
  url: https://gateway/billing/
  bearer_file: /run/token
  tls: { ca_file: /ca, cert_file: /cert, key_file: /key }
  timeout: 90s
sink_dedup_window: 1h
on_missing_state: backfill
observe: { listen: '[::1]:9464' }
`)
    expect(catalog).toEqual(NETWORK_SERVICES)
    expect(rest).toMatchInlineSnapshot(`
      {
        "ambiguousPolicy": "resend",
        "connectionSeconds": "per_request_floor",
        "dimensions": {
          "region": "us-east-1",
        },
        "exclude": {
          "codes": [
            "0",
            "503",
          ],
          "flags": [
            "NR",
          ],
        },
        "limits": {
          "keysMax": 10,
          "lineBytesMax": 65536,
          "streamStatesMax": 20,
        },
        "lineDimensions": [
          "gateway",
        ],
        "observe": {
          "listen": "[::1]:9464",
          "logForm": "auto",
          "logLevel": "info",
          "routeSeriesMax": undefined,
        },
        "onMissingState": "backfill",
        "sink": {
          "bearerFile": "/run/token",
          "compression": "none",
          "timeoutMs": 90000,
          "tls": {
            "caFile": "/ca",
            "certFile": "/cert",
            "keyFile": "/key",
          },
          "type": "milo-gateway",
          "url": "https://gateway/billing",
        },
        "sinkDedupWindowMs": 3600000,
        "state": {
          "acceptedRetentionMs": 259200000,
          "dir": "/s",
          "heldBytesMax": 1048576,
          "ledgerRetentionMs": 3024000000,
          "quarantineBytesMax": 1073741824,
          "reserveBytes": 67108864,
          "spoolBytesMax": 1073741824,
        },
        "windowMs": 300000,
        "workersMax": 3,
      }
    `)
    expect(streams).toHaveLength(1)
    expect(streams[0]).toMatchObject({
      kind: 'kubernetes',
      namespaces: ['downstream'],
      containers: ['envoy'],
      root: '/pods',
      envelope: 'cri',
      format: { name: 'envoy-gateway', dimensionNames: ['gateway'] },
    })
  })

  test('the address of a receiver of CloudEvents is used as it is written', () => {
    const urlOf = (type: string, url: string) =>
      load(config({ sink: `{ type: ${type}, url: '${url}' }` })).sink
    expect(urlOf('cloudevents-http', 'http://a/events/')).toMatchObject({ url: 'http://a/events/' })
    expect(urlOf('cloudevents-http', 'http://a')).toMatchObject({ url: 'http://a' })
    expect(urlOf('collector', 'http://a/events/')).toMatchObject({ url: 'http://a/events' })
  })

  test('a nats sink has a subject by project, and no more than it is given', () => {
    const sink = '{ type: nats, servers: [a:1, "tls://b:2"], stream: u }'
    expect(load(config({ sink })).sink).toEqual({
      ...{ type: 'nats', servers: ['a:1', 'tls://b:2'], stream: 'u', subject: 'usage.{project}' },
      ...{ tls: {}, timeoutMs: 60_000 },
    })
  })

  test('only a sink that is told to compresses', () => {
    const collector = '{ type: collector, url: http://a'
    expect(load(config({ sink: `${collector} }` })).sink).toMatchObject({ compression: 'none' })
    const told = config({ sink: `${collector}, compression: gzip }` })
    expect(load(told).sink).toMatchObject({ compression: 'gzip' })
    expect(load(config({ sink: GATEWAY })).sink).toMatchObject({ compression: 'none' })
  })

  test('a start without state holds old windows only for a receiver, not with --once', () => {
    const gateway = config({ sink: GATEWAY })
    expect(load(gateway).onMissingState).toBe('hold')
    const others = ['collector, url: http://a', 'cloudevents-http, url: http://a']
    for (const type of [...others, 'nats, servers: [a:1], stream: u']) {
      const receiver = config({ sink: `{ type: ${type} }` })
      expect(load(receiver).onMissingState).toBe('hold')
    }
    expect(load(gateway, { once: true }).onMissingState).toBe('backfill')
    expect(load(config({ sink: '{ type: file, path: /x }' })).onMissingState).toBe('backfill')
    const held = config({ rest: 'on_missing_state: hold' })
    expect(load(held, { once: true }).onMissingState).toBe('hold')
  })
})
