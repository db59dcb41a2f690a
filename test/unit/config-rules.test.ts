// Every rule of the configuration: what breaks one gives exactly one problem, at its place.

import { describe, expect, test } from 'vitest'
import { config, FILES, GATEWAY, problemsOf } from './config-file.ts'

describe('each rule', () => {
  const OK: string[] = []
  test.each([
    ['window above one hour', config({ rest: 'window: 2h' }), '2h is above 1h'],
    ['window below one second', config({ rest: 'window: 500ms' }), '500ms is below 1s'],
    ['window that does not divide an hour', config({ rest: 'window: 7m' }), '7m does not divide'],
    ['a duration without unit', config({ rest: 'window: 60' }), '60 is no duration'],
    ['a fraction of a unit', config({ rest: 'window: 1.5m' }), 'is no duration'],
    ['a decimal size', config({ rest: 'state: { spool_bytes_max: 10GB }' }), 'is no size'],
    ['a size out of bounds', config({ rest: 'limits: { line_bytes_max: 1GiB }' }), 'above 16MiB'],
    ['a count that is none', config({ rest: 'limits: { keys_max: 1e3x }' }), 'is no count'],
    ['a count of zero', config({ rest: 'limits: { keys_max: 0 }' }), '0 is below 1'],
    [
      'an unknown choice',
      config({ rest: 'connection_seconds: all' }),
      'exact or per_request_floor',
    ],
    ['an unknown key', config({ rest: 'observer: {}' }), 'did you mean observe?'],
    ['a key in camel case', config({ rest: 'sinkDedupWindow: 2m' }), 'sink_dedup_window?'],
    ['an unknown nested key', config({ rest: 'state: { path: /x }' }), 'state.path: unknown key'],
    ['a map that is text', config({ rest: 'state: /var/lib' }), 'state: it is no map'],
    ['streams that are no list', 'streams: {}\nsink: { type: stdout }', 'no list with entries'],
    ['no stream', 'streams: []\nsink: { type: stdout }', 'streams: it is no list with entries'],
    ['a stream of nothing', config({ stream: '{ envelope: raw }' }), 'says not what is read'],
    [
      'a stream of both kinds',
      config({ stream: '{ kubernetes: { namespaces: [a], containers: [b] }, files: [/a] }' }),
      'it has kubernetes and files',
    ],
    ['files without source_id', config({ stream: '{ files: [/a.log] }' }), 'source_id: is missing'],
    ['an empty source_id', config({ stream: `{ files: [/a], source_id: '' }` }), 'does not fit'],
    ['a source_id with a slash', config({ stream: '{ files: [/a], source_id: a/b }' }), 'and /'],
    ['no files', config({ stream: '{ files: [], source_id: n }' }), 'files: the list is empty'],
    ['a ** glob', config({ stream: `{ files: ['/a/**/b'], source_id: n }` }), 'never **'],
    ['a set that stays open', config({ stream: `{ files: ['/a[b'], source_id: n }` }), 'globs'],
    [
      'kubernetes without containers',
      config({ stream: '{ kubernetes: { namespaces: [a] } }' }),
      'streams[0].kubernetes.containers: is missing',
    ],
    [
      'no namespace',
      config({ stream: '{ kubernetes: { namespaces: [], containers: [envoy] } }' }),
      'namespaces: the list is empty',
    ],
    [
      'an empty namespace',
      config({ stream: `{ kubernetes: { namespaces: [''], containers: [envoy] } }` }),
      'namespaces[0]: "" does not fit',
    ],
    [
      'a namespace with a wildcard',
      config({ stream: `{ kubernetes: { namespaces: ['ns-*'], containers: [envoy] } }` }),
      'write exact names',
    ],
    [
      'a root beside files',
      config({ stream: '{ files: [/a], source_id: n, root: /x }' }),
      'only streams of kubernetes have it',
    ],
    [
      'a container that is named twice',
      'streams:\n' +
        '  - { kubernetes: { namespaces: [a], containers: [e] } }\n' +
        '  - { kubernetes: { namespaces: [b, a], containers: [e] } }\n' +
        'sink: { type: stdout }',
      'a/e is already in streams[0]',
    ],
    [
      'an unknown envelope',
      config({ stream: `${FILES.slice(0, -1)}, envelope: journald }` }),
      'choose auto, raw, cri or docker',
    ],
    [
      'the istio preset',
      config({ stream: `${FILES.slice(0, -1)}, format: istio }` }),
      'the lines of istio name no project; give one in the configuration',
    ],
    [
      'the contour preset',
      config({ stream: `${FILES.slice(0, -1)}, format: contour }` }),
      'the lines of contour name no project; give one in the configuration',
    ],
    [
      'an unknown preset',
      config({ stream: `${FILES.slice(0, -1)}, format: envoy }` }),
      'choose datum, envoy-gateway, istio or contour',
    ],
    [
      'the format auto',
      config({ stream: `${FILES.slice(0, -1)}, format: auto }` }),
      'auto is only for scan',
    ],
    [
      'raw lines without startTime',
      config({ stream: `${FILES.slice(0, -1)}, envelope: raw, format: { project: p } }` }),
      'no line has a clock',
    ],
    [
      'an exclude rule that could never hold',
      config({
        stream: `${FILES.slice(0, -1)}, format: { project: p, startTime: s } }`,
        rest: 'exclude: { response_codes: [503] }',
      }),
      'needs the role responseCode',
    ],
    [
      'an excluded flag of nothing',
      config({ rest: `exclude: { response_flags: ['-'] }` }),
      'one flag',
    ],
    ['a code that is none', config({ rest: 'exclude: { response_codes: [5xx] }' }), '0 to 999'],
    ...[
      'project_name',
      'httproute_name',
      'httproute_namespace',
      'grpcroute_name',
      'grpcroute_namespace',
    ].map((name): [string, string, string] => [
      `the reserved dimension ${name}`,
      config({ rest: `dimensions: { ${name}: x }` }),
      `dimensions.${name}: it is made from`,
    ]),
    ['an empty dimension', config({ rest: `dimensions: { region: '' }` }), 'it has 0 bytes'],
    [
      'a long dimension',
      config({ rest: `dimensions: { region: ${'é'.repeat(129)} }` }),
      'it has 258 bytes',
    ],
    ['a dimension that is a number', config({ rest: 'dimensions: { region: 1 }' }), '1 is no text'],
    [
      'a dimension from nothing',
      config({ rest: 'dimensions: { gateway: {} }' }),
      'no key of a line',
    ],
    [
      'a dimension with other keys',
      config({ rest: 'dimensions: { g: { from: a, form: b } }' }),
      'unknown key',
    ],
    ['a catalog that is not there', config({ rest: 'catalog: /no.yaml' }), 'cannot be read'],
    ['no sink', 'streams:\n  - { files: [/a], source_id: n }', 'sink.type: is missing'],
    [
      'nats without servers',
      config({ sink: '{ type: nats, stream: u }' }),
      'sink.servers: is miss',
    ],
    [
      'nats without stream',
      config({ sink: '{ type: nats, servers: [a:1] }' }),
      'sink.stream: is m',
    ],
    [
      'a nats server with a password',
      config({ sink: '{ type: nats, stream: u, servers: ["nats://u:hunter2@a:1"] }' }),
      'write HOST:PORT',
    ],
    [
      'a nats subject with a wildcard',
      config({ sink: '{ type: nats, stream: u, servers: [a:1], subject: "usage.>" }' }),
      'write words joined by dots',
    ],
    [
      'a nats subject with an unknown word in braces',
      config({ sink: '{ type: nats, stream: u, servers: [a:1], subject: "usage.{meter}" }' }),
      'write words joined by dots',
    ],
    [
      'credentials of NATS for a gateway',
      config({ sink: `${GATEWAY.slice(0, -1)}, creds_file: /c }` }),
      'only the sink nats has it',
    ],
    ['an unknown sink', config({ sink: '{ type: kafka }' }), 'choose stdout, file, milo-gateway, '],
    ['a file sink without path', config({ sink: '{ type: file }' }), 'sink.path: is missing'],
    [
      'a bound of a file that is below every batch',
      config({ sink: '{ type: file, path: /x, file_bytes_max: 1KiB }' }),
      '1KiB is below 1MiB',
    ],
    [
      'a bound of a file of a sink without one',
      config({ sink: '{ type: stdout, file_bytes_max: 1GiB }' }),
      'only the sink file has it',
    ],
    ['a gateway without url', config({ sink: '{ type: milo-gateway }' }), 'sink.url: is missing'],
    ['a collector without url', config({ sink: '{ type: collector }' }), 'sink.url: is missing'],
    [
      'a receiver of CloudEvents without url',
      config({ sink: '{ type: cloudevents-http }' }),
      'sink.url: is missing',
    ],
    [
      'a gateway with the path that is added',
      config({ sink: '{ type: milo-gateway, url: "http://a/v1/usage/events:batchIngest" }' }),
      'sink.url: /v1/usage/events:batchIngest is added to it',
    ],
    [
      'a collector with the path that is added',
      config({ sink: '{ type: collector, url: "http://a:9880/cloudevents" }' }),
      'sink.url: /cloudevents is added to it',
    ],
    [
      'gzip to the gateway, which cannot read it',
      config({ sink: `${GATEWAY.slice(0, -1)}, compression: gzip }` }),
      'only the sinks collector, cloudevents-http have it',
    ],
    [
      'a compression that is none',
      config({ sink: '{ type: collector, url: "http://a", compression: zstd }' }),
      'choose none or gzip',
    ],
    [
      'a url of a file sink',
      config({ sink: '{ type: file, path: /x, url: http://a }' }),
      'only the sinks milo-gateway, collector, cloudevents-http have it',
    ],
    [
      'a proxy with a password',
      config({ sink: `${GATEWAY.slice(0, -1)}, proxy: "http://u:hunter2@p:3128" }` }),
      'sink.proxy: it holds a name or password',
    ],
    [
      'a url without scheme',
      config({ sink: '{ type: milo-gateway, url: "127.0.0.1:80" }' }),
      'it is no URL',
    ],
    [
      'a url with a query',
      config({ sink: '{ type: milo-gateway, url: "http://a/?b" }' }),
      'no ? and no #',
    ],
    [
      'a short timeout',
      config({ sink: `${GATEWAY.slice(0, -1)}, timeout: 30s }` }),
      '30s is below 1m',
    ],
    [
      'a certificate without key',
      config({ sink: `${GATEWAY.slice(0, -1)}, tls: { cert_file: /c } }` }),
      'it needs key_file too',
    ],
    [
      'a key without certificate',
      config({ sink: `${GATEWAY.slice(0, -1)}, tls: { key_file: /c } }` }),
      'it needs cert_file too',
    ],
    [
      'a listen address without port',
      config({ rest: 'observe: { listen: localhost }' }),
      'write HOST:PORT',
    ],
    [
      'a listen port beyond all ports',
      config({ rest: 'observe: { listen: "a:65536" }' }),
      'write HOST:PORT',
    ],
    ['a state without text', config({ rest: 'state: { dir: 1 }' }), '1 is no text'],
  ])('%s is one problem', (_name, text, expected) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
    expect(problems[0]).toMatch(/^meter\.yaml:\d+:\d+: [a-zA-Z_.[\]0-9]+: .+; .+$/)
  })

  test.each([
    [
      'a format without startTime in an envelope that may have a time',
      `${FILES.slice(0, -1)}, format: { project: p } }`,
    ],
    [
      'one namespace in two roots',
      '{ root: /a, kubernetes: { namespaces: [a], containers: [e] } }\n' +
        '  - { root: /b, kubernetes: { namespaces: [a], containers: [e] } }',
    ],
    ['an empty key, which counts as left out', `${FILES.slice(0, -1)}, envelope: }`],
    ['globs with sets and escapes', String.raw`{ files: ['/a[!b-d]*\[?.log'], source_id: n }`],
  ])('%s is accepted', (_name, stream) => {
    expect(problemsOf(config({ stream }))).toEqual(OK)
  })

  test('a password in a URL is refused and not shown', () => {
    const sink = '{ type: milo-gateway, url: "https://user:hunter2@gateway" }'
    const problems = problemsOf(config({ sink })).join()
    expect(problems).toContain('it holds a name or password')
    expect(problems).not.toContain('hunter2')
  })
})
