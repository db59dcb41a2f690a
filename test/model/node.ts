// The logs of a node: which stream each log of a sequence is now, and was before. A pod that is
// deleted comes back as another one, a container as its next attempt.

import { dirname, join } from 'node:path'
import { fileStream, liveName, logsDirectory, podsDirectory } from './configuration.ts'
import type { FileAction, Setup } from './sequence.ts'
import type { Simulation } from './simulation.ts'
import { StreamLog } from './stream-log.ts'
import { real } from './system.ts'

/** A container in a pod. */
interface Pod {
  readonly index: number
  readonly pod: number
  readonly attempt: number
}

export class LogNode {
  /** Every stream there ever was. */
  readonly streams = new Map<string, StreamLog>()
  readonly #simulation: Simulation
  readonly #setup: Setup
  /** The stream of each log now. */
  readonly #now: StreamLog[] = []
  readonly #pods = new Map<StreamLog, Pod>()

  constructor(simulation: Simulation, setup: Setup) {
    this.#simulation = simulation
    this.#setup = setup
    simulation.inodesInUse = () => new Set([...this.#inodes(), ...simulation.heldInodes()])
    // The directory of a pod is gone for good only where others are left.
    real.mkdirSync(join(podsDirectory(simulation.directory), 'other_pod_u'), { recursive: true })
    for (const [index, kind] of setup.logs.entries()) {
      if (kind === 'pod') this.#beginPod(index, 0, 0)
      else this.#beginFile(index, kind === 'cri')
    }
  }

  act(action: FileAction): void {
    const log = this.#now[action.log]
    if (log === undefined) return
    switch (action.do) {
      case 'write':
        log.write(action.lines, action.withheld)
        break
      case 'rotate':
        log.rename()
        log.reopen()
        break
      case 'gzip':
        log.gzip(action.which, action.steps)
        break
      case 'delete':
        log.delete(action.which)
        break
      case 'attempt':
        this.#nextAttempt(log)
        break
      case 'deletePod':
        this.#deletePod(log)
        break
      case 'back':
        log.renameBack()
        break
      default:
        log[action.do]()
    }
  }

  looked(): void {
    for (const log of this.streams.values()) log.looked()
  }

  /** Every log that is still written ends with a whole line. */
  complete(): void {
    for (const log of this.#now) log.complete()
  }

  close(): void {
    for (const log of this.streams.values()) log.close()
  }

  #inodes(): bigint[] {
    return [...this.streams.values()].flatMap((log) => log.inodes())
  }

  #beginFile(index: number, isCri: boolean): void {
    const { rotation } = this.#setup
    const directory = logsDirectory(this.#simulation.directory)
    const place = { directory, liveName: liveName(index), isCri, rotation }
    this.#begin(index, { ...place, stream: fileStream(index) })
  }

  #beginPod(index: number, pod: number, attempt: number): void {
    const uid = `u${index}-${pod}`
    const root = podsDirectory(this.#simulation.directory)
    const directory = join(root, `ns_pod-${index}_${uid}`, 'envoy')
    const stream = `k8s/${uid}/envoy/${attempt}`
    const place = { directory, liveName: `${attempt}.log`, isCri: true, rotation: 'dated' as const }
    this.#pods.set(this.#begin(index, { ...place, stream }), { index, pod, attempt })
  }

  #begin(index: number, place: StreamLog['place']): StreamLog {
    const log = new StreamLog(place, this.#simulation)
    this.#now[index] = log
    this.streams.set(place.stream, log)
    return log
  }

  #nextAttempt(log: StreamLog): void {
    const pod = this.#pods.get(log)
    if (pod === undefined) return
    const isGone = log.isOver
    log.end()
    this.#beginPod(pod.index, pod.pod + Number(isGone), isGone ? 0 : pod.attempt + 1)
  }

  #deletePod(log: StreamLog): void {
    const pod = this.#pods.get(log)
    if (pod === undefined || log.isOver) return
    const { directory } = log.place
    for (const one of this.streams.values()) if (one.place.directory === directory) one.deleteAll()
    log.end()
    real.rmSync(dirname(directory), { recursive: true })
    this.#simulation.touch(podsDirectory(this.#simulation.directory))
  }
}
