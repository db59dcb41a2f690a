// Makes a failing sequence as small as it can be: takes actions away as long as the same rule is
// broken, then makes what is left plainer.

import type { Action, FileAction, Line, Sequence } from './sequence.ts'

/** True when the sequence still fails in the same way. */
export type Fails = (sequence: Sequence) => Promise<boolean>

/** Runs at most so often; what is left then is small enough to be read. */
const ATTEMPTS_MAX = 600

export async function shrink(sequence: Sequence, fails: Fails): Promise<Sequence> {
  const search = new Search(sequence, fails)
  let before: Sequence
  do {
    before = search.best
    await search.dropActions()
    await search.simplifyActions()
    await search.simplifySetup()
  } while (search.best !== before && search.attempts < ATTEMPTS_MAX)
  return search.best
}

class Search {
  best: Sequence
  attempts = 0
  readonly #fails: Fails

  constructor(sequence: Sequence, fails: Fails) {
    this.best = sequence
    this.#fails = fails
  }

  async #try(candidate: Sequence): Promise<boolean> {
    if (this.attempts >= ATTEMPTS_MAX) return false
    this.attempts += 1
    if (!(await this.#fails(candidate))) return false
    this.best = candidate
    return true
  }

  /** Ever smaller runs of actions, from the end on. */
  async dropActions(): Promise<void> {
    for (
      let size = Math.ceil(this.best.actions.length / 2);
      size > 0;
      size = Math.floor(size / 2)
    ) {
      for (let end = this.best.actions.length; end > 0; end -= size) {
        const { setup, actions } = this.best
        const left = [...actions.slice(0, Math.max(0, end - size)), ...actions.slice(end)]
        await this.#try({ setup, actions: left })
      }
    }
  }

  async simplifyActions(): Promise<void> {
    for (let index = 0; index < this.best.actions.length; index += 1) {
      let isPlainer = true
      while (isPlainer) {
        isPlainer = false
        for (const plainer of plainerActions(this.best.actions[index] as Action)) {
          const actions = this.best.actions.with(index, plainer)
          isPlainer = await this.#try({ setup: this.best.setup, actions })
          if (isPlainer) break
        }
      }
    }
  }

  async simplifySetup(): Promise<void> {
    const plain = {
      rotation: 'dated',
      wallAheadMs: 0,
      windowMs: 60_000,
      dedup: 'ever',
      limits: undefined,
      inodes: undefined,
      connectionSeconds: undefined,
      hold: undefined,
      store: undefined,
    } as const
    for (const [name, value] of Object.entries(plain)) {
      const { setup, actions } = this.best
      if (setup[name as keyof typeof setup] === value) continue
      const { [name as 'hold']: _left, ...rest } = setup
      await this.#try({
        setup: { ...rest, ...(value !== undefined && { [name]: value }) },
        actions,
      })
    }
    const { setup, actions } = this.best
    if (setup.logs.length > 1)
      await this.#try({ setup: { ...setup, logs: setup.logs.slice(0, 1) }, actions })
    for (const [index, kind] of this.best.setup.logs.entries()) {
      if (kind === 'raw') continue
      const logs = this.best.setup.logs.with(index, 'raw')
      await this.#try({ setup: { ...this.best.setup, logs }, actions: this.best.actions })
    }
  }
}

/** The action made plainer in one respect, each. */
function* plainerActions(action: Action): Generator<Action> {
  if ('log' in action) yield* plainerMoments(action)
  if (action.do === 'write') yield* plainerWrites(action)
  if (action.do === 'pass') yield* plainerPasses(action)
  if (action.do === 'kill') {
    const counts = [1, action.after >> 1, action.after - 1]
    for (const after of counts.filter((one) => one > 0 && one < action.after)) {
      yield { ...action, after }
    }
  }
  if (action.do === 'sink') {
    for (const index of action.answers.keys()) {
      yield { ...action, answers: action.answers.toSpliced(index, 1) }
    }
  }
  if (action.do === 'gzip' && action.steps > 1) yield { ...action, steps: action.steps - 1 }
}

function* plainerMoments(action: FileAction): Generator<Action> {
  const { inside, ...rest } = action
  if (inside !== undefined) yield rest as Action
  for (const earlier of [(inside ?? 0) >> 1, (inside ?? 0) - 1]) {
    if (earlier > 0) yield { ...action, inside: earlier }
  }
}

function* plainerWrites(action: Action & { readonly do: 'write' }): Generator<Action> {
  if (action.withheld !== undefined) {
    const { withheld: _left, ...rest } = action
    yield rest
  }
  for (const lines of plainerLines(action.lines)) yield { ...action, lines }
}

function* plainerPasses(action: Action & { readonly do: 'pass' }): Generator<Action> {
  if (action.wakes > 1) yield { ...action, wakes: action.wakes - 1 }
  for (const ms of [1_200, 5_000, 100_000]) if (ms < action.ms) yield { ...action, ms }
}

function* plainerLines(lines: readonly Line[]): Generator<Line[]> {
  for (const [index, line] of lines.entries()) {
    if (lines.length > 1) yield lines.toSpliced(index, 1)
    for (const name of Object.keys(line)) {
      if (name === 'at') continue
      const { [name as 'pad']: _left, ...rest } = line
      yield lines.with(index, rest)
    }
    if (line.at > 1_000) yield lines.with(index, { ...line, at: Math.floor(line.at / 2) })
  }
}
