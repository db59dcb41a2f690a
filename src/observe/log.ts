// Signals as a log on stderr: sentences for a terminal, one JSON object a line (pino) for machines.
// In JSON every value of a signal is a field, and `msg` is the sentence.

import type { Logger } from 'pino'
import { sentencesOf } from './sentences.ts'
import { LEVELS, type Level, levelOf, type Signal } from './signals.ts'

export interface LogOptions {
  readonly form: 'text' | 'json'
  /** Signals below it are not told. */
  readonly level: Level
  readonly write: (text: string) => void
}

/** Tells people and machines what happens. */
export interface Log {
  readonly signal: (signal: Signal) => void
  /** A sentence of the command itself, with its values. */
  readonly say: (level: Level, sentence: string, facts?: object) => void
}

export async function makeLog({ form, level, write }: LogOptions): Promise<Log> {
  if (form === 'text') return textLog(level, write)
  const { pino, stdTimeFunctions } = await import('pino')
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  return jsonLog(logger)
}

function textLog(least: Level, write: (text: string) => void): Log {
  const say: Log['say'] = (level, sentence) => {
    if (LEVELS.indexOf(level) >= LEVELS.indexOf(least)) write(`meter-fast: ${sentence}\n`)
  }
  const signal = (one: Signal): void => {
    const level = levelOf(one)
    for (const sentence of sentencesOf(one)) say(level, sentence)
  }
  return { signal, say }
}

function jsonLog(logger: Logger): Log {
  return {
    signal: (signal) => {
      const level = levelOf(signal)
      if (!logger.isLevelEnabled(level)) return
      const sentences = sentencesOf(signal)
      for (const [index, fields] of recordsOf(signal).entries()) {
        logger[level](fields, sentences[index] ?? signal.kind)
      }
    },
    say: (level, sentence, facts = {}) => logger[level](facts, sentence),
  }
}

/** The values of a signal, flat; one record for each sentence, and at least one. */
function recordsOf(signal: Signal): readonly object[] {
  if (signal.kind === 'gap') return [{ kind: signal.kind, ...signal.gap }]
  if (signal.kind !== 'delivery') {
    // The message is the sentence.
    const { message: _message, ...fields } = signal as Signal & { message?: string }
    return [fields]
  }
  const facts = signal.signal
  if (facts.kind === 'answered') {
    const { batch, events, waitMs, answer } = facts
    const { kind: result, status, text } = answer
    return [{ kind: 'delivery-answered', batch, events, waitMs, result, status, text }]
  }
  const { batch, accepted, quarantined } = facts
  if (quarantined.length === 0) return [{ kind: 'delivery-settled', batch, accepted }]
  return quarantined.map(({ id, reason }) => ({ kind: 'delivery-refused', batch, id, reason }))
}
