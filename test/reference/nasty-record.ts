// One access-log record as a list of keys and raw JSON values, with the faults of DESIGN 4 and 5
// put into it. A list, not a map: keys may occur twice and in any order.

import type { Dice } from './dice.ts'
import * as nasty from './nasty-values.ts'

/** Key and value as they stand in the line: both raw JSON text, in latin1. */
export type Field = [key: string, value: string]

/** Replaces the value of a key, or adds the key. */
export function setField(fields: Field[], key: string, value: string): void {
  const raw = JSON.stringify(key)
  const found = fields.find(([name]) => name === raw)
  if (found === undefined) {
    fields.push([raw, value])
  } else {
    found[1] = value
  }
}

const AMOUNTS = ['bytes_received', 'bytes_sent', 'duration'] as const
const MAPPED = [...AMOUNTS, 'project_name', 'route_name', 'start_time', 'access_log_type'] as const

/** `bytes_sent` as `\u0062ytes_sent`: the same key after unescaping. */
function escapedKey(key: string, at: number): string {
  const code = key.charCodeAt(at).toString(16).padStart(4, '0')
  return `"${key.slice(0, at)}\\u${code}${key.slice(at + 1)}"`
}

function nested(depth: number, dice: Dice): string {
  const open = Array.from({ length: depth }, () => dice.pick(['[', '{"a":']))
  const close = open.map((text) => (text === '[' ? ']' : '}')).reverse()
  return `${open.join('')}${dice.pick(['1', '"]}"', 'null'])}${close.join('')}`
}

type Fault = (fields: Field[], dice: Dice) => void

const FAULTS: readonly Fault[] = [
  (fields, dice) => setField(fields, dice.pick(AMOUNTS), dice.pick(nasty.NUMBERS)),
  (fields, dice) => setField(fields, dice.pick(AMOUNTS), dice.pick(nasty.NUMBERS)),
  (fields, dice) => setField(fields, 'user_agent', dice.pick(nasty.STRINGS)),
  (fields, dice) => setField(fields, 'path', dice.pick(nasty.STRINGS)),
  (fields, dice) => setField(fields, 'metadata', dice.pick(nasty.OTHERS)),
  (fields, dice) => setField(fields, 'project_name', dice.pick(nasty.PROJECTS)),
  (fields, dice) => setField(fields, 'route_name', dice.pick(nasty.ROUTES)),
  (fields, dice) => setField(fields, 'access_log_type', dice.pick(nasty.LOG_TYPES)),
  (fields, dice) => setField(fields, 'start_time', dice.pick(nasty.TIMES)),
  (fields, dice) => setField(fields, dice.pick(MAPPED), dice.pick(nasty.STRINGS)),
  (fields, dice) => setField(fields, dice.pick(MAPPED), dice.pick(nasty.OTHERS)),
  (fields, dice) => {
    setField(fields, 'access_log_type', '"NotSet"')
    setField(fields, 'route_name', dice.pick(nasty.ROUTES))
  },
  // The clock is start plus duration: huge ones leave this century.
  (fields, dice) => setField(fields, 'duration', dice.pick(['86400001', '2500000000000', '1e15'])),
  // Under the root there is one container less to go.
  (fields, dice) =>
    setField(fields, 'metadata', nested(dice.pick([61, 62, 63, 64, 65, 200]), dice)),
  (fields, dice) =>
    setField(fields, 'response_code', dice.pick(['0', '429', '"503"', '2e2', '{}'])),
  (fields, dice) =>
    setField(fields, 'response_flags', dice.pick(['"-"', '"UF,URX"', 'null', '"DC"'])),
  (fields, dice) => setField(fields, 'path', `"/${'x/'.repeat(dice.pick([400, 1_000, 4_000]))}"`),
  (fields, dice) =>
    setField(
      fields,
      'response_code_details',
      dice.pick(['"internal_redirect"', String.raw`"internal\u005fredirect"`, '"x"', 'null']),
    ),
  (fields, dice) => {
    const ids = ['"s-1"', '"s-2"', 'null', '""', '"-"', '7', String.raw`"s\u002d1"`]
    setField(fields, 'stream_id', dice.pick(ids))
    setField(fields, 'connection_id', dice.pick(ids))
  },
  (fields, dice) => {
    // One field is kept: other faults choose among those that are left.
    fields.splice(dice.below(fields.length), fields.length > 1 ? 1 : 0)
  },
  (fields, dice) => {
    const [key, value] = dice.pick(fields)
    fields.push([key, dice.pick([value, '7', '"\xff"', 'null'])])
  },
  (fields, dice) => {
    const key = dice.pick(MAPPED)
    fields.push([escapedKey(key, dice.below(key.length)), dice.pick(['7', '"p-1"', 'inf'])])
  },
  (fields, dice) => {
    const key = dice.pick(MAPPED)
    const found = fields.find(([name]) => name === `"${key}"`)
    if (found !== undefined) {
      found[0] = escapedKey(key, dice.below(key.length))
    }
  },
  (fields, dice) => {
    const raw = ['"bytes_sent "', '"Bytes_sent"', '"\xff"', '"a\\8"', '""', '"bytes_sent\\u0000"']
    fields.push([dice.pick(raw), dice.pick(nasty.NUMBERS)])
  },
  // For formats that map JSON Pointers.
  (fields, dice) => {
    const gateways = [
      ...['[{"name":"eg","a/b":1,"a~b":2}]', '[{"name":"eg","name":"x"}]', '{"0":{"name":"eg"}}'],
      ...[
        '[[],{"name":"eg"}]',
        '[{"name":"e\xffg"}]',
        '[{"name":null}]',
        '[{"other":"\xff"}]',
        '[]',
      ],
    ]
    fields.push(['"gateway"', dice.pick(gateways)])
  },
]

/** Puts one fault into a record. */
export function addFault(fields: Field[], dice: Dice): void {
  dice.pick(FAULTS)(fields, dice)
}
