// The keys of `sink`, part of the table in fields.ts.

import { FILE_PATH, type Field, MIB, TIB } from './field.ts'
import { oneOf } from './problems.ts'

/** Sinks that speak HTTP. */
const HTTP = ['milo-gateway', 'collector', 'cloudevents-http'] as const
/** Sinks that read secrets and talk over a network. */
const NETWORK = [...HTTP, 'nats'] as const
export const SINK_TYPES = ['stdout', 'file', ...NETWORK] as const

export const SINK_FIELDS: readonly Field[] = [
  {
    path: 'sink.type',
    kind: 'choice',
    required: `choose ${oneOf(SINK_TYPES)}`,
    choices: SINK_TYPES,
    about: 'Where usage events go.',
  },
  {
    path: 'sink.path',
    kind: 'text',
    of: ['file'],
    required: 'name the file that usage events are appended to',
    ...FILE_PATH,
    about: 'File that usage events are appended to, one JSON object a line.',
  },
  {
    path: 'sink.file_bytes_max',
    kind: 'size',
    unit: 'bytes',
    of: ['file'],
    min: MIB,
    max: TIB,
    about: 'The file is renamed to PATH.000001 and so on before it grows larger; none is deleted.',
  },
  {
    path: 'sink.url',
    kind: 'url',
    of: HTTP,
    required: 'give the URL of the receiver',
    about: 'Base URL of gateway or collector, whose path is added; of cloudevents-http all of it.',
  },
  {
    path: 'sink.servers',
    kind: 'list',
    of: ['nats'],
    required: 'name at least one server, such as 127.0.0.1:4222',
    pattern: '^((nats|tls)://)?[^\\s/@?#]+$',
    patternTodo: 'write HOST:PORT, nats://HOST:PORT or tls://HOST:PORT',
    about: 'NATS servers; the first that answers is used.',
  },
  {
    path: 'sink.stream',
    kind: 'text',
    of: ['nats'],
    required: 'name the JetStream stream that stores the events',
    pattern: '^[A-Za-z0-9_-]{1,255}$',
    patternTodo: 'write 1 to 255 of A-Z, a-z, 0-9, _ and -',
    about: 'JetStream stream that must store the events; it is not made here.',
  },
  {
    path: 'sink.subject',
    kind: 'text',
    of: ['nats'],
    default: 'usage.{project}',
    pattern: '^([A-Za-z0-9_-]+|\\{project\\})(\\.([A-Za-z0-9_-]+|\\{project\\}))*$',
    patternTodo: 'write words joined by dots, such as usage.{project}',
    about: 'Subject of an event; {project} stands for its project.',
  },
  {
    path: 'sink.creds_file',
    kind: 'text',
    of: ['nats'],
    ...FILE_PATH,
    about: 'Credentials file of NATS (user JWT and seed), read again when it changes.',
  },
  {
    path: 'sink.bearer_file',
    kind: 'text',
    of: NETWORK,
    ...FILE_PATH,
    about: 'File with the bearer token, read again when it changes.',
  },
  {
    path: 'sink.tls.ca_file',
    kind: 'text',
    of: NETWORK,
    ...FILE_PATH,
    about: 'PEM file of the authorities that may vouch for the receiver.',
  },
  {
    path: 'sink.tls.cert_file',
    kind: 'text',
    of: NETWORK,
    ...FILE_PATH,
    about: 'PEM file of the client certificate; needs key_file.',
  },
  {
    path: 'sink.tls.key_file',
    kind: 'text',
    of: NETWORK,
    ...FILE_PATH,
    about: 'PEM file of the client key; needs cert_file.',
  },
  {
    path: 'sink.timeout',
    kind: 'duration',
    unit: 'ms',
    of: NETWORK,
    default: '60s',
    min: 60_000,
    max: 600_000,
    about: 'How long a request may take; the gateway publishes a batch event by event.',
  },
  {
    path: 'sink.proxy',
    kind: 'url',
    of: HTTP,
    about: 'Proxy that tunnels to the URL; those of the environment are not looked at.',
  },
  {
    path: 'sink.compression',
    kind: 'choice',
    of: ['collector', 'cloudevents-http'],
    default: 'none',
    choices: ['none', 'gzip'],
    about: 'How request bodies are compressed; not every receiver knows gzip.',
  },
]
