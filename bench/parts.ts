// What is measured beside the scenarios, each by a flag of its own.

import { makeCorpus } from './corpus.ts'
import { measureDelivery } from './delivery.ts'
import { measureDurability } from './durability.ts'
import { measureMemory } from './memory.ts'
import {
  renderDelivery,
  renderDurability,
  renderMemory,
  renderMicro,
  renderSteady,
  renderWorkers,
} from './report.ts'
import type { BenchSettings } from './settings.ts'
import { measureSteady } from './steady.ts'
import { measureWorkers } from './workers.ts'

/** Null or a reason why no figure is shown. */
interface Answer {
  readonly wrong: string | null
}

export interface Part {
  readonly name: string
  readonly isAsked: (settings: BenchSettings) => boolean
  /** Told before it is measured. */
  readonly about: (settings: BenchSettings) => string
  readonly measure: (directory: string, settings: BenchSettings) => Promise<[Answer, string]>
}

/** Of the parts of the path, measured one by one. */
const MICRO_ROUTES = 2000

export const PARTS: readonly Part[] = [
  {
    name: 'micro',
    isAsked: ({ micro }) => micro,
    about: ({ lines }) => `making ${lines} lines`,
    measure: async (directory, { lines }) => {
      // Loaded here only: an installed package has no tinybench.
      const { measureMicro } = await import('./micro.ts')
      const settings = { directory, name: 'micro', format: 'datum', lines } as const
      const answer = await measureMicro(await makeCorpus({ ...settings, routes: MICRO_ROUTES }))
      return [answer, renderMicro(answer)]
    },
  },
  {
    name: 'memory',
    isAsked: ({ memory }) => memory,
    about: ({ memoryLines }) => `making ${memoryLines} lines`,
    measure: async (directory, { memoryLines }) => {
      const answer = await measureMemory(directory, memoryLines)
      return [answer, renderMemory(answer)]
    },
  },
  {
    name: 'durability',
    isAsked: ({ durabilityKeys }) => durabilityKeys > 0,
    about: ({ lines, durabilityKeys }) => `making ${lines} lines of ${durabilityKeys} keys`,
    measure: async (directory, { durabilityKeys, lines }) => {
      const answer = await measureDurability(directory, durabilityKeys, lines)
      return [answer, renderDurability(answer)]
    },
  },
  {
    name: 'steady',
    isAsked: ({ steadySeconds }) => steadySeconds > 0,
    about: ({ steadySeconds }) => `an agent on a log that grows for ${steadySeconds} s`,
    measure: async (directory, { steadySeconds, steadyPerSecond }) => {
      const answer = await measureSteady(directory, steadySeconds, steadyPerSecond)
      return [answer, renderSteady(answer)]
    },
  },
  {
    name: 'workers',
    isAsked: ({ workers }) => workers,
    about: ({ lines, repetitions }) => `two logs of ${lines} lines, ${repetitions} times`,
    measure: async (directory, { lines, repetitions }) => {
      const answer = await measureWorkers(directory, lines, repetitions)
      return [answer, renderWorkers(answer)]
    },
  },
  {
    name: 'delivery',
    isAsked: ({ delivery }) => delivery,
    about: ({ deliveryEvents }) => `${deliveryEvents} events from the spool of an agent`,
    measure: async (directory, { deliveryEvents }) => {
      const answer = await measureDelivery(directory, deliveryEvents)
      return [answer, renderDelivery(answer)]
    },
  },
]
