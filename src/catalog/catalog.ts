// What events of a service are made with: its meters, and which sum each of them bills.

/** Which of the sums that the core keeps a meter bills. */
export type MeterAmount = 'requests' | 'egressBytes' | 'ingressBytes' | 'connectionSeconds'

/** One meter: what an event's `type` names. */
export interface Meter {
  /** Also the `type` of its events. */
  readonly type: string
  /** Unit of the value, in UCUM. */
  readonly unit: string
  readonly amount: MeterAmount
  /** Dimensions that an event may carry; others are left out. */
  readonly dimensions: readonly string[]
}

/** What the events of one service have in common, and its meters. */
export interface Catalog {
  readonly serviceName: string
  /** `source` of every event. */
  readonly source: string
  /** `subject` of every event; `{project}` stands for the project's name. */
  readonly subject: string
  readonly meters: readonly Meter[]
}

interface Amount {
  /** Last part of the name of a meter that bills it, when the configuration names no meters. */
  readonly meterName: string
  readonly unit: RegExp
  /** The units that fit, for people. */
  readonly units: string
}

/** A remark in { } names what is counted, and changes no unit. */
const BYTES = { unit: /^By(\{.*\})?$/, units: 'By' }

export const AMOUNTS: Readonly<Record<MeterAmount, Amount>> = {
  requests: {
    meterName: 'requests',
    unit: /^(1|1?\{.*\})$/,
    units: '{request}, 1 or another {...}',
  },
  egressBytes: { meterName: 'egress-bytes', ...BYTES },
  ingressBytes: { meterName: 'ingress-bytes', ...BYTES },
  connectionSeconds: { meterName: 'connection-seconds', unit: /^s(\{.*\})?$/, units: 's' },
}

export const AMOUNT_NAMES = Object.keys(AMOUNTS) as MeterAmount[]

/** Stands for the project in a subject. */
export const PROJECT = '{project}'

/** A subject that names the project, once, so that the project can be told from it. */
export const SUBJECT_PATTERN = '^(?!.*\\{project\\}.*\\{project\\})[!-~]*\\{project\\}[!-~]*$'

/** `//networking.datumapis.com/gateway` */
export function defaultSource(serviceName: string): string {
  return `//${serviceName}/gateway`
}

export const DEFAULT_SUBJECT = `projects/${PROJECT}`

/** What is wrong with a catalog that a program made; empty when nothing is. */
export function catalogProblems(catalog: Catalog): string[] {
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
  const problems: string[] = []
  if (!isText(catalog.source)) problems.push('catalog.source: is no text; write a URI')
  if (!isText(catalog.subject) || !new RegExp(SUBJECT_PATTERN).test(catalog.subject)) {
    problems.push(`catalog.subject: names no project; write ${DEFAULT_SUBJECT}`)
  }
  if (!Array.isArray(catalog.meters) || catalog.meters.length === 0) {
    return [...problems, 'catalog.meters: is no list with meters; name at least one']
  }
  for (const [index, { type, amount, dimensions }] of catalog.meters.entries()) {
    const key = `catalog.meters[${index}]`
    if (!isText(type)) problems.push(`${key}.type: is no text; write the type of its events`)
    if (!AMOUNT_NAMES.includes(amount)) {
      problems.push(`${key}.amount: is no amount; choose ${AMOUNT_NAMES.join(', ')}`)
    }
    if (!Array.isArray(dimensions) || !dimensions.every(isText)) {
      problems.push(`${key}.dimensions: is no list of texts; write [] for none`)
    }
  }
  return problems
}
