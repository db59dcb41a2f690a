// Faults drawn from a seed: what the proxy does to an exchange, and what the gateway answers.

import type { Dice } from '../reference/dice.ts'
import type { GatewayStep } from '../sink/gateway.ts'
import type { Fault } from './fault-proxy.ts'

/**
 * The fault of one exchange. Of those that replace an answer none says success for what the
 * receiver has not seen: a far end that lies cannot be found out.
 */
export function drawFault(dice: Dice): Fault {
  const share = dice.below(1000) / 1000
  return dice.pick<() => Fault>([
    () => ({ do: 'delay', ms: dice.below(40) }),
    () => ({ do: 'cut-request', share }),
    () => ({ do: 'reset' }),
    () => ({ do: 'black-hole', seen: dice.chance(0.5) }),
    () => ({ do: 'lose-answer' }),
    () => ({ do: 'duplicate' }),
    () => ({ do: 'cut-answer', share }),
    () => ({ do: 'answer-twice', afterMs: dice.below(30) }),
    () => ({ do: 'stall', share }),
    () => ({ do: 'drip', msPerByte: dice.pick([0, 5]) }),
    () => ({ do: 'replace', bytes: dice.pick(['garbage', 'half-json', 'huge-head', 'endless']) }),
  ])()
}

/** How a gateway that has trouble of its own answers; nothing that blames an event. */
export function drawStep(dice: Dice): GatewayStep {
  const after = dice.below(100)
  return dice.pick<() => GatewayStep>([
    () => ({ do: 'fail', status: 429, after, retryAfter: dice.pick(['1', '2', 'soon', '']) }),
    () => ({ do: 'fail', status: 503, after }),
    () => ({ do: 'reset', when: dice.pick(['before', 'after']) }),
    () => ({ do: 'say', status: dice.pick([408, 500, 501, 502, 504]) }),
    () => ({ do: 'say', status: dice.pick([401, 403, 404, 415, 302]) }),
  ])()
}
