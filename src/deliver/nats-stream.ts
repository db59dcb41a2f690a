// What a JetStream stream says of itself, and whether it takes our subjects. Pure functions.

import { bodyObject, objectOf } from './http-answer.ts'
import { boundedText } from './sink.ts'

/** What `$JS.API.STREAM.INFO` tells, as far as delivery depends on it. */
export type StreamLook =
  | {
      readonly kind: 'stream'
      readonly subjects: readonly string[]
      readonly duplicateWindowMs: number
      /** It stores without acknowledging. */
      readonly isSilent: boolean
    }
  /** No such stream, no JetStream, or no right to look. */
  | { readonly kind: 'none'; readonly text: string }

const NS_PER_MS = 1_000_000

/** Reads the answer to `$JS.API.STREAM.INFO.<stream>`. */
export function streamLook(body: string): StreamLook {
  const { error, config } = bodyObject(body) ?? {}
  const facts = objectOf(config)
  if (error !== undefined || facts === undefined) {
    const { description = 'no readable answer' } = objectOf(error) ?? {}
    return { kind: 'none', text: boundedText(`${description}`) }
  }
  const { subjects, duplicate_window: windowNs, no_ack: isSilent } = facts
  return {
    kind: 'stream',
    subjects: Array.isArray(subjects) ? subjects.map(String) : [],
    duplicateWindowMs: typeof windowNs === 'number' ? windowNs / NS_PER_MS : 0,
    isSilent: isSilent === true,
  }
}

/** Whether a filter of a stream (`*` one word, `>` the rest) takes a subject. */
export function takesSubject(filter: string, subject: string): boolean {
  const words = subject.split('.')
  const parts = filter.split('.')
  if (parts.at(-1) === '>') {
    return words.length >= parts.length && parts.slice(0, -1).every(isWordOf(words))
  }
  return words.length === parts.length && parts.every(isWordOf(words))
}

function isWordOf(words: readonly string[]) {
  return (part: string, index: number): boolean => part === '*' || part === words[index]
}
