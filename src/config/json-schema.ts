// The JSON Schema (draft 7) of a configuration file, made from the field table.
//
// It serves editors: completion, sentences, wrong keys. `meter-fast check` knows more: what spans
// fields, and what this version does not have yet. A text with `${` fits wherever a scalar does.

import { AMOUNT_NAMES } from '../catalog/catalog.ts'
import { childNames, fieldAt, isMapList, writtenPattern } from './field-lookup.ts'
import { FIELDS, type Field, STREAM_KINDS } from './fields.ts'
import { PRESET_NAMES, PRESETS, ROLE_SENTENCES, ROLES } from './presets.ts'
import { RESERVED_DIMENSIONS } from './readers.ts'
import { SINK_TYPES } from './sink-fields.ts'
import { isOf } from './values.ts'

/** A JSON Schema or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>

const ENVIRONMENT = { $ref: '#/definitions/environment' }

/** Presets that need nothing else. */
const WHOLE_PRESETS = PRESET_NAMES.filter((name) => PRESETS[name].project !== undefined)

/** The schema of the whole file. */
export function configSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of meter-fast',
    ...schemaAt(''),
    required: ['streams', 'sink'],
    definitions: { environment: { type: 'string', pattern: '\\$\\{' } },
  }
}

function schemaAt(key: string): JsonSchema {
  const field = fieldAt(key)
  if (field !== undefined) return fieldSchema(field)
  if (isMapList(key)) return { type: 'array', minItems: 1, items: schemaAt(`${key}[0]`) }
  const below = (name: string): string => (key === '' ? name : `${key}.${name}`)
  const properties = childNames(key).map((name) => [name, schemaAt(below(name))])
  return { ...objectSchema(Object.fromEntries(properties)), ...variants(key) }
}

function objectSchema(properties: JsonSchema): JsonSchema {
  return { type: 'object', properties, additionalProperties: false }
}

function variants(key: string): JsonSchema {
  if (key === 'streams[0]') {
    return { oneOf: STREAM_KINDS.map((kind) => variant(kind, 'streams[].', [kind])) }
  }
  if (key !== 'sink') return {}
  const allOf = SINK_TYPES.map((type) => ({
    if: { properties: { type: { const: type } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
    then: variant(type, 'sink.', []),
  }))
  return { required: ['type'], allOf }
}

// What one type of sink or one kind of stream requires, and the keys of others that it refuses.
function variant(of: string, prefix: string, base: readonly string[]): JsonSchema {
  const fields = FIELDS.filter(({ path }) => path.startsWith(prefix))
  const name = ({ path }: Field): string => path.slice(prefix.length).replace(/\..*$/, '')
  const required = fields.filter((field) => field.required && isOf(field, of)).map(name)
  const others = fields.filter((field) => !isOf(field, of)).map(name)
  return {
    required: [...new Set([...base, ...required])],
    properties: Object.fromEntries(others.map((key) => [key, false])),
  }
}

function fieldSchema(field: Field): JsonSchema {
  const schema = { description: field.about, ...kindSchema(field) }
  return field.default === undefined ? schema : { ...schema, default: field.default }
}

function kindSchema(field: Field): JsonSchema {
  const pattern = writtenPattern(field)
  const text = { type: 'string', ...(pattern === undefined ? {} : { pattern }) }
  switch (field.kind) {
    case 'count':
      return { anyOf: [{ type: 'integer', minimum: field.min, maximum: field.max }, ENVIRONMENT] }
    case 'size':
      return { anyOf: [text, { type: 'integer', minimum: field.min }, ENVIRONMENT] }
    case 'choice':
      return { anyOf: [{ enum: field.choices }, ENVIRONMENT] }
    case 'list':
      return {
        type: 'array',
        ...(field.default === undefined ? { minItems: 1 } : {}),
        items: { anyOf: [text, { type: 'integer' }, ENVIRONMENT] },
      }
    case 'format':
      return { anyOf: [{ enum: WHOLE_PRESETS }, formatMapSchema(), ENVIRONMENT] }
    case 'dimensions':
      return dimensionsSchema()
    case 'amounts':
      return amountsSchema()
    default:
      return { anyOf: [text, ENVIRONMENT] }
  }
}

function formatMapSchema(): JsonSchema {
  const key = { type: 'string', minLength: 1 }
  const roles = ROLES.map((role) => [role, { ...key, description: ROLE_SENTENCES[role] }])
  const constant = { ...objectSchema({ constant: key }), required: ['constant'] }
  const byRoute = { route: { const: 'namespace' }, strip: { type: 'string' } }
  const route = { ...objectSchema(byRoute), required: ['route'] }
  const project = { description: ROLE_SENTENCES.project, anyOf: [key, route, constant] }
  const preset = { enum: PRESET_NAMES, description: 'Whose keys are meant where none is given.' }
  const whole = { properties: { preset: { enum: WHOLE_PRESETS } }, required: ['preset'] }
  return {
    ...objectSchema({ preset, ...Object.fromEntries(roles), project }),
    anyOf: [{ required: ['project'] }, whole],
  }
}

function amountsSchema(): JsonSchema {
  const amount = { anyOf: [{ enum: AMOUNT_NAMES }, ENVIRONMENT] }
  return { type: 'object', minProperties: 1, additionalProperties: amount }
}

function dimensionsSchema(): JsonSchema {
  const from = { type: 'string', minLength: 1, description: 'A key or JSON Pointer of the line.' }
  const text = { type: 'string', minLength: 1, maxLength: 256 }
  const fromLine = { ...objectSchema({ from }), required: ['from'] }
  return {
    type: 'object',
    propertyNames: { not: { enum: RESERVED_DIMENSIONS }, minLength: 1, maxLength: 63 },
    additionalProperties: { anyOf: [text, fromLine] },
  }
}
