// Which stream a log file belongs to, by its path alone: the pod layout of DESIGN 5.1.

import { basename, dirname } from 'node:path'
import { parsePodDirectory } from '../tail/discover.ts'
import { openGenerationStream } from '../tail/inflate.ts'
import { compareAge, isGzip, isRotationOf } from '../tail/rotation.ts'

export { isGzip, openGenerationStream as inflateFrom }

/** A generation of a container attempt's log. */
export interface PodLog {
  /** `k8s/<pod uid>/<container>/<n>` */
  readonly stream: string
  /** `<n>.log`: what the youngest generation is called. */
  readonly liveName: string
}

/** The pod layout `<namespace>_<pod>_<uid>/<container>/<n>.log` and its rotated names. */
export function podLog(path: string): PodLog | undefined {
  const container = dirname(path)
  const pod = parsePodDirectory(basename(dirname(container)))
  const attempt = /^(0|[1-9]\d*)\.log/.exec(basename(path))?.[1]
  if (pod === undefined || attempt === undefined) return undefined
  const liveName = `${attempt}.log`
  const name = basename(path)
  if (name !== liveName && !isRotationOf(liveName, name)) return undefined
  return { stream: `k8s/${pod.uid}/${basename(container)}/${attempt}`, liveName }
}

/** Orders paths of one stream from the oldest generation to the live one. */
export function byAge(liveName: string): (a: string, b: string) => number {
  return (a, b) => compareAge(liveName, basename(a), basename(b))
}
