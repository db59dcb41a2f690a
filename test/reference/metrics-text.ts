// A strict reader of metrics as text, in both forms, written from their specifications and from
// what `promtool check metrics` complains of. It shares no code with the product.

export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** As it is written: whole numbers above 2^53 are exact here. */
  readonly text: string
}

export interface ReadFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly ReadSample[]
}

type Form = 'prometheus' | 'openmetrics'

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
}
const ABBREVIATED = /(^|_)(ms|sec|secs|kb|mb|kib|mib|milliseconds|minutes|kilobytes)(_|$)/

/** Families in order. @throws Error that names the first line that breaks a rule */
export function readMetrics(text: string, form: Form): ReadFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const lines = text.slice(0, -1).split('\n')
  if (form === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no # EOF at the end')
  const families: Family[] = []
  const series = new Set<string>()
  let help = ''
  for (const line of lines) {
    if (line.startsWith('# HELP ')) help = line
    else if (line.startsWith('# TYPE ')) {
      families.push(begun(line, help, families))
      help = ''
    } else if (help !== '') {
      throw new Error(`HELP without TYPE: ${help}`)
    } else {
      const sample = sampleIn(line, families.at(-1), form)
      const id = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (series.has(id)) throw new Error(`a series twice: ${line}`)
      series.add(id)
    }
  }
  for (const family of families) checkFamily(family, form)
  return families
}

interface Family extends ReadFamily {
  readonly samples: ReadSample[]
}

function begun(line: string, helpLine: string, families: readonly Family[]): Family {
  const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
  const [, helped, help = ''] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(helpLine) ?? []
  if (helped !== name) throw new Error(`TYPE does not follow its HELP: ${line}`)
  if (!Object.hasOwn(SUFFIXES, type)) throw new Error(`unknown type: ${line}`)
  if (families.some((known) => known.name === name)) throw new Error(`a family twice: ${line}`)
  return { name, type, help, samples: [] }
}

function sampleIn(line: string, family: Family | undefined, form: Form): ReadSample {
  const sample = readSample(line)
  if (sample === undefined) throw new Error(`no sample: ${line}`)
  if (family === undefined || !belongs(sample.name, family, form)) {
    throw new Error(`not of the family ${family?.name}: ${line}`)
  }
  family.samples.push(sample)
  return sample
}

function readSample(line: string): ReadSample | undefined {
  const [, name, inner = '', text = ''] = SAMPLE.exec(line) ?? []
  if (name === undefined) return undefined
  const labels: Record<string, string> = {}
  for (let rest = inner; rest !== ''; ) {
    const found = LABEL.exec(rest)
    if (!found) return undefined
    const [whole, label = '', value = ''] = found
    if (label in labels) return undefined
    labels[label] = value.replace(/\\([\\n"])/g, (_all, one) => (one === 'n' ? '\n' : one))
    rest = rest.slice(whole.length)
  }
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
  return Number.isNaN(value) ? undefined : { name, labels, value, text }
}

function belongs(sample: string, { name, type }: ReadFamily, form: Form): boolean {
  // In its own form Prometheus gives a counter's family the name of its samples.
  if (type === 'counter' && form === 'prometheus') return sample === name
  return (SUFFIXES[type] ?? []).some((suffix) => sample === name + suffix)
}

function checkFamily({ name, type, samples }: ReadFamily, form: Form): void {
  if (/[A-Z]/.test(name)) throw new Error(`${name} is not in snake case`)
  if (ABBREVIATED.test(name)) throw new Error(`${name} is not in a base unit`)
  const isTotal = name.endsWith('_total')
  if (isTotal !== (type === 'counter' && form === 'prometheus')) {
    throw new Error(`${name} is a ${type}`)
  }
  if (type === 'counter' && samples.some(({ value }) => value < 0)) {
    throw new Error(`${name} is negative`)
  }
  if (type === 'histogram') checkHistogram(name, samples, form)
}

function checkHistogram(name: string, samples: readonly ReadSample[], form: Form): void {
  for (const group of groupsOf(samples)) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => labels['le'] ?? '')
    const numbers = bounds.map((bound) => Number(bound.replace('+Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    if (!ascends(numbers) || new Set(numbers).size < numbers.length) {
      throw new Error(`${name}: bounds do not ascend`)
    }
    if (!ascends(counts)) throw new Error(`${name}: buckets are not cumulative`)
    if (bounds.at(-1) !== '+Inf') throw new Error(`${name}: the last bucket is not +Inf`)
    const isCanonical = bounds.slice(0, -1).every((bound) => /^\d+\.\d+$/.test(bound))
    if (form === 'openmetrics' && !isCanonical) throw new Error(`${name}: bounds ${bounds}`)
    const count = group.find((sample) => sample.name === `${name}_count`)?.value
    if (count !== counts.at(-1)) throw new Error(`${name}: count is not that of +Inf`)
    if (!group.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: no sum`)
  }
}

/** Samples that differ in `le` only. */
function groupsOf(samples: readonly ReadSample[]): ReadSample[][] {
  const groups = new Map<string, ReadSample[]>()
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  return [...groups.values()]
}

function ascends(values: readonly number[]): boolean {
  return values.every((value, at) => value >= (values[at - 1] ?? Number.NEGATIVE_INFINITY))
}

/** The one sample of that name whose labels are these; fails when there is none. */
export function sampleOf(
  families: readonly ReadFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): ReadSample {
  const wanted = JSON.stringify(Object.entries(labels).sort())
  const found = families
    .flatMap(({ samples }) => samples)
    .find(
      (one) => one.name === name && JSON.stringify(Object.entries(one.labels).sort()) === wanted,
    )
  if (found === undefined) throw new Error(`there is no sample ${name} ${wanted}`)
  return found
}
