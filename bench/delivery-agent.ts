// The agents that bench/delivery.ts runs, each in a process of its own. `fill` reads a log into the
// spool of a state, with a sink that is away; `send` delivers what the spool holds to the sink of
// the configuration, and prints its memory: after a tenth of the events, and at its highest later.
// Pages of the state, which the system may take back at any time, are not counted.

import { readFileSync } from 'node:fs'
import { Agent, loadConfig, type Sink } from 'meter-fast'

const [task = '', config = '', wanted = '0'] = process.argv.slice(2)
const LOOK_MS = 50

/** A sink that nobody reaches. */
const AWAY: Sink = {
  name: 'away',
  deliver: async () => ({ kind: 'unreachable', status: 0, text: 'away' }),
  close: async () => undefined,
}

function ownBytes(): number {
  const [, kibibytes] =
    /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

/** Runs until `isDone` says so of a look at the agent, which is taken 20 times a second. */
async function run(
  isDone: (counts: NonNullable<ReturnType<Agent['counters']>>) => boolean,
  sink?: Sink,
): Promise<void> {
  const agent = new Agent(loadConfig(config, { env: {} }), sink === undefined ? {} : { sink })
  const stop = new AbortController()
  const ended = agent.run(stop.signal)
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const counts = agent.counters()
    if (counts !== undefined && isDone(counts)) break
  }
  stop.abort()
  await ended
}

if (task === 'fill') {
  await run(({ spool }) => spool.events >= Number(wanted), AWAY)
} else {
  let earlyBytes = 0
  let highestBytes = 0
  await run(({ spool, counts }) => {
    const bytes = ownBytes()
    if (counts.events_accepted >= Number(wanted) / 10) {
      earlyBytes ||= bytes
      highestBytes = Math.max(highestBytes, bytes)
    }
    return counts.events_accepted >= Number(wanted) && spool.events === 0
  })
  process.stdout.write(JSON.stringify({ earlyBytes, highestBytes }))
}
