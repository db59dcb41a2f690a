// Loaded into a measured process by `node --import`: at its end it writes what it used to fd 3.
//
// The peak is VmHWM and not resourceUsage().maxRSS: Linux carries the latter over from the process
// that started this one, so a large parent would count as a large child.

import { readFileSync, writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const USAGE_FD = 3

function peakRssBytes(): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

if (isMainThread) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage()
    const usage = {
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
      wallMs: performance.now(),
      peakRssBytes: peakRssBytes(),
    }
    writeSync(USAGE_FD, JSON.stringify(usage))
  })
}
