// What a person reads of a signal: what happened, to what, and what to do where something is to be
// done. A terminal shows these, and they are `msg` in a JSON log.

import type { DeliveryFacts, GapFacts, Signal } from './signals.ts'

/** The sentences of a signal; none where numbers say it all. */
export function sentencesOf(signal: Signal): readonly string[] {
  if (signal.kind === 'delivery') return deliverySentences(signal.signal)
  const sentence = sentenceOf(signal)
  return sentence === undefined ? [] : [sentence]
}

function sentenceOf(signal: Exclude<Signal, { kind: 'delivery' }>): string | undefined {
  switch (signal.kind) {
    case 'listening':
      return `metrics and health at ${signal.address}`
    case 'started': {
      const { resumedStreams } = signal
      return resumedStreams > 0 ? `going on with ${resumedStreams} streams` : undefined
    }
    case 'reloaded':
      return 'the new configuration is in force'
    case 'reload-refused':
      return `the new configuration is refused, the one before goes on: ${signal.message}`
    case 'stream':
      return `following ${signal.stream}`
    case 'committed':
      return undefined
    case 'waiting':
      return `waiting: ${signal.message}`
    case 'problem':
      return signal.message
    case 'gap':
      return gapSentence(signal.gap)
    case 'held':
      return (
        `${signal.events} events are held: there was no state, and their windows are older than ` +
        'sink_dedup_window. If they were not billed before, run "meter-fast release"'
      )
    case 'ambiguous':
      return ambiguousSentence(signal.batches, signal.heldEvents)
    case 'future':
      return `events of the window ${isoTime(signal.timeMs)} wait for it: it lies in the future`
    case 'spool-half-full':
      return `the spool is half full: ${signal.bytes} of ${signal.bytesMax} bytes wait for the sink`
    case 'spool-full':
      return `the spool is full (${signal.bytes} bytes): reading pauses until the sink accepts`
    case 'spool-free':
      return 'the spool has room again: reading goes on'
    case 'unsent-old':
      return `the oldest event that the sink has not accepted is ${hours(signal.ageMs)} h old`
    case 'disk-full':
      return 'the disk of the state is full: reading pauses, delivery goes on; make room'
    case 'disk-free':
      return 'the disk of the state has room again: reading goes on'
    case 'reopened':
      return `the state was opened again after a fault: ${signal.message}`
  }
}

function ambiguousSentence(batches: number, heldEvents: number): string {
  const what = `${batches} batches were sent before the last end, and their answers are not known`
  return heldEvents > 0
    ? `${what}: ${heldEvents} of their events are held (ambiguous_policy), see "meter-fast release"`
    : `${what}: they are sent again, with the same bytes`
}

/** What may be missing, and what certainly is. */
function gapSentence({ stream, name, offset, end, bytes, reason }: GapFacts): string {
  const range = end === null ? `from byte ${offset} on` : `bytes ${offset} to ${end}`
  const lost = bytes > 0 ? `, ${bytes} bytes were not read` : ''
  return `GAP: ${stream}: ${name} ${range}: ${reason}${lost}`
}

function deliverySentences(facts: DeliveryFacts): readonly string[] {
  if (facts.kind === 'settled') {
    return facts.quarantined.map(
      ({ id, reason }) => `event ${id} was refused by the sink and is in quarantine: ${reason}`,
    )
  }
  const { kind, status, text } = facts.answer
  if (kind === 'accepted') return []
  const wait = facts.waitMs > 0 ? `, next attempt in ${Math.ceil(facts.waitMs / 1000)} s` : ''
  return [`sink: ${kind}${status > 0 ? ` (${status})` : ''}: ${text || 'no text'}${wait}`]
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function hours(ms: number): number {
  return Math.floor(ms / 3_600_000)
}
