// What usage events add up to, and what the truth of a generated log says that they must.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Truth {
  readonly totals: readonly {
    readonly project: string
    readonly requests: string
    readonly egressBytes: string
    readonly ingressBytes: string
  }[]
}

interface UsageEvent {
  readonly type: string
  readonly subject: string
  readonly data: { readonly value: string }
}

/** What `scan --json` of the log must print. */
export function truthOf(log: string): Truth {
  return JSON.parse(readFileSync(join(dirname(log), 'truth.json'), 'utf8')) as Truth
}

/** `project meter` to amount, without seconds, which windows round. */
export function truthSums(log: string): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const { project, requests, egressBytes, ingressBytes } of truthOf(log).totals) {
    add(sums, `${project} requests`, requests)
    add(sums, `${project} egress-bytes`, egressBytes)
    add(sums, `${project} ingress-bytes`, ingressBytes)
  }
  return sums
}

/** The same of usage events, one a line. */
export function eventSums(text: string): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const line of text.trim().split('\n')) {
    const { type, subject, data } = JSON.parse(line) as UsageEvent
    const meter = type.slice(type.lastIndexOf('/') + 1)
    if (meter === 'connection-seconds') continue
    add(sums, `${subject.replace('projects/', '')} ${meter}`, data.value)
  }
  return sums
}

function add(sums: Map<string, bigint>, key: string, amount: string): void {
  const sum = (sums.get(key) ?? 0n) + BigInt(amount)
  // A meter that counted nothing makes no event.
  if (sum !== 0n) sums.set(key, sum)
}
