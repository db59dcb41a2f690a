// Amounts a second, over the last ten seconds and from commit to commit: an agent commits once a
// second, on a slow disk less often, and proxies write in bursts, so that from one look to the next
// a steady load would seem to jump.

import type { LivePicture, LiveUsage } from '../agent/live.ts'

/** Amounts a second. */
export interface Rate {
  readonly requests: number
  readonly egressBytes: number
  readonly ingressBytes: number
}

export interface Rates {
  /** Over all projects; undefined until two commits tell. */
  readonly all: Rate | undefined
  readonly byProject: ReadonlyMap<string, Rate>
  /** Lines read a second, by stream. */
  readonly linesByStream: ReadonlyMap<string, number>
}

/** An agent commits at least so often while there is something to commit. */
export const COMMIT_PAUSE_MS_MAX = 10_000
const SPAN_MS = 10_000

const UNKNOWN: Rates = { all: undefined, byProject: new Map(), linesByStream: new Map() }

export class RateMeter {
  /** Pictures of different commits, the oldest first. */
  #pictures: LivePicture[] = []

  /** Takes a picture in; gives the rates up to it. */
  add(picture: LivePicture): Rates {
    const last = this.#pictures.at(-1)
    if (picture.used === undefined) this.#pictures = [picture]
    else if (last?.commits !== picture.commits) this.#pictures.push(picture)
    // Without a commit for so long there was nothing to commit.
    const isIdle = picture.atMs - picture.committedAtMs > COMMIT_PAUSE_MS_MAX
    const endMs = isIdle ? picture.atMs : picture.committedAtMs
    // What was used before the oldest one is not counted.
    while (this.#pictures.length > 1 && isBefore(this.#pictures[1], endMs - SPAN_MS)) {
      this.#pictures.shift()
    }
    const [oldest, ...later] = this.#pictures
    const seconds = (endMs - (oldest?.committedAtMs ?? endMs)) / 1000
    if (oldest === undefined || seconds <= 0) return UNKNOWN
    const sums = new Map<string, LiveUsage>()
    for (const { used } of later) {
      for (const [project, usage] of used ?? []) {
        sums.set(project, sumOf([usage, ...(sums.has(project) ? [sums.get(project)] : [])]))
      }
    }
    const rated = [...sums].map(([name, usage]) => [name, rateOf(usage, seconds)] as const)
    return {
      all: rateOf(sumOf([...sums.values()]), seconds),
      byProject: new Map(rated),
      linesByStream: linesByStream(oldest, picture, seconds),
    }
  }
}

function isBefore(picture: LivePicture | undefined, ms: number): boolean {
  return picture !== undefined && picture.committedAtMs <= ms
}

function sumOf(all: readonly (LiveUsage | undefined)[]): LiveUsage {
  const sum = { requests: 0n, egressBytes: 0n, ingressBytes: 0n }
  for (const usage of all) {
    sum.requests += usage?.requests ?? 0n
    sum.egressBytes += usage?.egressBytes ?? 0n
    sum.ingressBytes += usage?.ingressBytes ?? 0n
  }
  return sum
}

function rateOf({ requests, egressBytes, ingressBytes }: LiveUsage, seconds: number): Rate {
  return {
    requests: Number(requests) / seconds,
    egressBytes: Number(egressBytes) / seconds,
    ingressBytes: Number(ingressBytes) / seconds,
  }
}

function linesByStream(
  from: LivePicture,
  to: LivePicture,
  seconds: number,
): ReadonlyMap<string, number> {
  const before = new Map(from.streams.map(({ stream, linesRead }) => [stream, linesRead]))
  return new Map(
    to.streams.map(({ stream, linesRead }) => {
      return [stream, Number(linesRead - (before.get(stream) ?? 0n)) / seconds]
    }),
  )
}
