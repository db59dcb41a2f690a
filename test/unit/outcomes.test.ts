// Every outcome of DESIGN 4.7 by its name: which lines get it, stated here, found by `Meter`, and
// confirmed by the oracle. The order of the rows is in outcomes-order.test.ts.

import { expect, test } from 'vitest'
import { OUTCOMES } from '../../src/native.ts'
import { outcomes } from './metering.ts'
import { ENVELOPE, TEXT } from './outcome-cases.ts'
import { CONTENT, LOG_TYPE } from './outcome-cases-content.ts'

const CASES = [...ENVELOPE, ...TEXT, ...LOG_TYPE, ...CONTENT]

test('every outcome has a test of its own', () => {
  const tested = new Set(CASES.map(({ outcome }) => outcome))
  expect([...tested].sort()).toEqual([...OUTCOMES].sort())
})

for (const { outcome, when, input, options, count = 1, others } of CASES) {
  const [group, name] = outcome.split('.')
  test(`${name === undefined ? group : `${group} \`${name}\``}: ${when}`, () => {
    expect(outcomes(input, options)).toEqual({ ...others, [outcome]: count })
  })
}
