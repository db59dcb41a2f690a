// What the commands `npm run test:crash` and `npm run test:kill-storm` say to the tests.

import { availableParallelism } from 'node:os'

/** Every variant, and not only those that cover each point once. */
export const FULL = process.env['METER_FAST_FULL'] === '1'

/** Of logs and of times; a failure names it. */
export const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))

/** One point only, such as `state/state.mdb:17`, for whoever looks into a failure. */
export const ONE_POINT = process.env['METER_FAST_POINT']

/** How long the kill storm lasts. */
export const STORM_SECONDS = Number(process.env['METER_FAST_SECONDS'] ?? 15)

/** Stories at the same time: those that work all the time, and those that wait most of it. */
export const JOBS = { busy: availableParallelism(), waiting: 4 * availableParallelism() }
