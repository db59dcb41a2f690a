// Which boot of the machine this is. Writers of logs do not sync: when the power fails, the last
// bytes of a log may be gone although they were read and committed. Only then is a file that is
// not what it was still taken for the same file.

import { readFileSync } from 'node:fs'

let known: string | undefined

/** Stays the same until the machine is started anew; '' where the system does not tell. */
export function bootId(): string {
  known ??= readBootId('/proc/sys/kernel/random/boot_id')
  return known
}

function readBootId(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    return ''
  }
}

/** True only when both are known: a state that was written before boots were kept says nothing. */
export function isOtherBoot(before: string | undefined, now: string): boolean {
  return before !== undefined && before !== '' && now !== '' && before !== now
}
