// Faults of the charges of a ServiceConfiguration, one at a time.

import { type Document, S } from './catalog-documents.ts'
import { type Fault, many } from './catalog-faults.ts'

const charge = (d: Document): Document => d.spec.charges[0]
const rate = (d: Document): Document => charge(d).usage.rates[0]

export const CHARGE_FAULTS: Readonly<Record<string, Fault>> = {
  'too many charges': [
    'spec.charges',
    '65 entries',
    (d) => {
      const { name: _, ...rest } = d.spec.charges[1]
      d.spec.charges.push(...many(62).map((name) => ({ name: `${S}/${name}`, ...rest })))
    },
  ],
  'a charge without a name': ['spec.charges[0].name', 'is missing', (d) => delete charge(d).name],
  'a charge twice': [
    'spec.charges[3].name',
    'is there twice',
    (d) => d.spec.charges.push({ ...charge(d) }),
  ],
  'a charge of another service': [
    'spec.charges[0].name',
    'does not begin with the name of its service',
    (d) => (charge(d).name = 'other.example.com/requests'),
  ],
  'a charge without a type': [
    'spec.charges[0].chargeType',
    'is missing',
    (d) => delete charge(d).chargeType,
  ],
  'an unknown type of charge': [
    'spec.charges[0].chargeType',
    '"Metered" is not known',
    (d) => (charge(d).chargeType = 'Metered'),
  ],
  'another currency': [
    'spec.charges[0].currency',
    '"EUR" is not known',
    (d) => (charge(d).currency = 'EUR'),
  ],
  'a charge of a metric that is not declared': [
    'spec.charges[0].usage.metricRef',
    'is not declared',
    (d) => {
      charge(d).usage.metricRef = `${S}/gateway/errors`
      delete rate(d).match
    },
  ],
  'a usage charge without a metric': [
    'spec.charges[0].usage.metricRef',
    'is missing',
    (d) => delete charge(d).usage.metricRef,
  ],
  'a usage charge without rates': [
    'spec.charges[0].usage.rates',
    'is missing',
    (d) => delete charge(d).usage.rates,
  ],
  'a usage charge without a unit': [
    'spec.charges[2].pricingUnit',
    'is missing',
    (d) => delete d.spec.charges[2].pricingUnit,
  ],
  'a usage charge with an amount': [
    'spec.charges[2].amount',
    'a Usage charge has no amount',
    (d) => (d.spec.charges[2].amount = '1'),
  ],
  'a charge in both shapes': [
    'spec.charges[0].pricingUnit',
    'usage is there too',
    (d) => (charge(d).pricingUnit = 'request'),
  ],
  'a charge with options of another type': [
    'spec.charges[0].recurring',
    'a Usage charge has no recurring',
    (d) => (charge(d).recurring = { amount: '1', interval: 'monthly' }),
  ],
  'a one-time charge without a trigger': [
    'spec.charges[1].oneTime.trigger',
    'is missing',
    (d) => delete d.spec.charges[1].oneTime.trigger,
  ],
  'a rate that is flat and tiered': [
    'spec.charges[0].usage.rates[0]',
    'it has flat and tiered',
    (d) => (rate(d).tiered = [{ rate: '1' }]),
  ],
  'a rate that is neither': [
    'spec.charges[0].usage.rates[0]',
    'it has neither flat nor tiered',
    (d) => delete rate(d).flat,
  ],
  'a price that is a number': [
    'spec.charges[0].usage.rates[0].flat',
    '0.000001 is no text',
    (d) => (rate(d).flat = 0.000001),
  ],
  'a price with an exponent': [
    'spec.charges[0].usage.rates[0].flat',
    'does not fit',
    (d) => (rate(d).flat = '1e-6'),
  ],
  'an open band before the last': [
    'spec.charges[2].rates[0].tiered[0].upTo',
    'is missing',
    (d) => delete d.spec.charges[2].rates[0].tiered[0].upTo,
  ],
  'a match on two dimensions': [
    'spec.charges[0].usage.rates[0].match.zone',
    'unknown key',
    (d) => (rate(d).match.zone = 'a'),
  ],
  'a match on a dimension that the metric has not': [
    'spec.charges[0].usage.rates[0].match.dimension',
    'does not declare the dimension "zone"',
    (d) => (rate(d).match.dimension = 'zone'),
  ],
}
