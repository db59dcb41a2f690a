// How another process asks the agent that holds the state to do something: a file in
// `<state>/requests/`, and an answer in the state.
//
//   requests/<name>.json     what is asked; made whole by a rename, deleted after the last commit
//   request/<name>           in the state: what was done, and whether that is all
//
// The name is used once, and what is done is committed together with the answer, so a request is
// carried out once, whoever dies in between.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getJson, jsonEntries, putJson } from './codec.ts'
import { syncDirectory } from './directory.ts'
import { nameField } from './keys.ts'
import type { StateReader, StateStore } from './state.ts'

/** What was done of a request, and by whom it can be asked for. */
export interface Answer {
  readonly done: Readonly<Record<string, number>>
  readonly isDone: boolean
  /** Why it could not be done. */
  readonly error?: string
  readonly atMs: number
}

export interface Request<Operation> {
  readonly name: string
  readonly operation: Operation
}

const FOLDER = 'requests'
const SUFFIX = '.json'

/** Asks for something; gives the name under which the answer will be. */
export function putRequest(directory: string, operation: unknown, nowMs: number): string {
  const folder = join(directory, FOLDER)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = `${nowMs}-${randomBytes(6).toString('hex')}`
  const path = join(folder, name + SUFFIX)
  writeFileSync(`${path}.tmp`, JSON.stringify(operation), { mode: 0o600, flush: true })
  renameSync(`${path}.tmp`, path)
  syncDirectory(folder)
  return name
}

/** What is asked for, oldest first; `broken` are names of files that are no request. */
export function readRequests<Operation>(directory: string): {
  readonly requests: readonly Request<Operation>[]
  readonly broken: readonly string[]
} {
  const requests: Request<Operation>[] = []
  const broken: string[] = []
  for (const name of requestNames(directory)) {
    try {
      const text = readFileSync(join(directory, FOLDER, name + SUFFIX), 'utf8')
      requests.push({ name, operation: JSON.parse(text) as Operation })
    } catch {
      broken.push(name)
    }
  }
  return { requests, broken }
}

/** Deletes the file of a request whose answer is durable. */
export function removeRequest(directory: string, name: string): void {
  rmSync(join(directory, FOLDER, name + SUFFIX), { force: true })
}

/** Stages what was done of a request. */
export function putAnswer(store: StateStore, name: string, answer: Answer): void {
  putJson(store, answerKey(name), answer)
}

export function readAnswer(store: StateReader, name: string): Answer | undefined {
  return getJson<Answer>(store, answerKey(name))
}

/** Stages the end of answers that are older. */
export function forgetAnswers(store: StateStore, beforeMs: number): void {
  for (const [key, { atMs, isDone }] of jsonEntries<Answer>(store, 'request/')) {
    if (isDone && atMs < beforeMs) store.remove(key)
  }
}

function requestNames(directory: string): string[] {
  try {
    const names = readdirSync(join(directory, FOLDER))
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort()
  } catch {
    return []
  }
}

function answerKey(name: string): string {
  return `request/${nameField(name)}`
}
