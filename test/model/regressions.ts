// Sequences that once showed a fault, made as small as they go. They are run before all others.

import type { Sequence } from './sequence.ts'

const PLAIN = { rotation: 'dated', wallAheadMs: 0, windowMs: 60_000, dedup: 'ever' } as const

export const REGRESSIONS: Readonly<Record<string, Sequence>> = {
  'a window of another length that begins with one of the old length keeps both ledger rows': {
    setup: { logs: ['raw'], ...PLAIN, windowMs: 10_000 },
    actions: [
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: 607_441 }] },
      { do: 'configure', to: { windowMs: 60_000 } },
      { do: 'kill', after: 13 },
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: 652_447 }] },
    ],
  },
  'a rotated file that grows too late has a gap record, also when nothing else happens': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'write', log: 0, lines: [{ at: 750 }] },
      { do: 'rotate', log: 0 },
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: -1_242_495 }] },
      { do: 'pass', ms: 1_200, wakes: 1 },
      { do: 'late', log: 0 },
    ],
  },
  'the .gz of an empty generation does not stand before the live file': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'start' },
      { do: 'rotate', log: 0 },
      { do: 'gzip', log: 0, which: 0, steps: 3 },
      { do: 'stop' },
      { do: 'write', log: 0, lines: [{ at: 593 }] },
    ],
  },
  'the .gz of an empty generation is no newer generation of the one that is written': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 871 }] },
      { do: 'start' },
      { do: 'rename', log: 0 },
      { do: 'gzip', log: 0, which: 0, steps: 3 },
      { do: 'pass', ms: 5_000, wakes: 3 },
      { do: 'write', log: 0, lines: [{ at: 871 }] },
    ],
  },
  'a file that is emptied and filled anew before it was read is not the file that it was': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 514, pad: 1_200 }] },
      { do: 'start' },
      { do: 'truncate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 571 }] },
      { do: 'pass', ms: 5_000, wakes: 3 },
      { do: 'pass', ms: 5_000, wakes: 3 },
    ],
  },
  'an empty file that gets the inode of an empty one is not that one': {
    setup: { logs: ['raw'], ...PLAIN, inodes: 'reused' },
    actions: [
      { do: 'rotate', log: 0 },
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: 734 }] },
      { do: 'delete', log: 0, which: 0 },
      { do: 'stop' },
      { do: 'rotate', log: 0 },
    ],
  },
  'a deleted file that is held is read to its end when the wall clock is set back': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'write', log: 0, lines: [{ at: 879 }] },
      { do: 'start' },
      { do: 'clock', stepMs: -3_600_000 },
      { do: 'write', log: 0, lines: [{ at: 914 }] },
      { do: 'rotate', log: 0 },
      { do: 'delete', log: 0, which: 0 },
      { do: 'pass', ms: 5_000, wakes: 3 },
      { do: 'pass', ms: 5_000, wakes: 3 },
    ],
  },
  'a begun line behind empty generations, one of them compressed, is read': {
    setup: { logs: ['raw'], ...PLAIN, rotation: 'numbered' },
    actions: [
      { do: 'start' },
      { do: 'rotate', log: 0 },
      { do: 'gzip', log: 0, which: 0, steps: 1 },
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 584 }], withheld: 61 },
      { do: 'pass', ms: 1_200, wakes: 2 },
    ],
  },
  'a line that is begun behind empty generations is read when it is whole': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'start' },
      { do: 'rotate', log: 0 },
      { do: 'rotate', log: 0 },
      { do: 'rotate', log: 0 },
      { do: 'pass', ms: 300, wakes: 1 },
      { do: 'gzip', log: 0, which: 1, steps: 3 },
      { do: 'write', log: 0, lines: [{ at: 780 }], withheld: 25 },
    ],
  },
  'a file that has no newer one is still written when an older .gz is deleted': {
    setup: { logs: ['raw'], ...PLAIN, rotation: 'numbered' },
    actions: [
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 879 }] },
      { do: 'gzip', log: 0, which: 0, steps: 1 },
      { do: 'rename', log: 0 },
      { do: 'start' },
      { do: 'kill', after: 1 },
      { do: 'start' },
      { do: 'delete', log: 0, which: 0 },
      { do: 'pass', ms: 1_200, wakes: 1 },
      { do: 'write', log: 0, lines: [{ at: 601 }] },
    ],
  },
  'a segment that was begun with another length of windows closes when its own window is over': {
    setup: { logs: ['raw'], ...PLAIN, windowMs: 3_600_000 },
    actions: [
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: 836 }] },
      { do: 'kill', after: 16 },
      { do: 'configure', to: { windowMs: 10_000 } },
      { do: 'start' },
      { do: 'pass', ms: 100_000, wakes: 1 },
    ],
  },
  'the .gz of an empty file, found late, does not keep windows open': {
    setup: { logs: ['raw'], ...PLAIN },
    actions: [
      { do: 'start' },
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 663 }] },
      { do: 'pass', ms: 300, wakes: 1 },
      { do: 'gzip', log: 0, which: 0, steps: 3 },
    ],
  },
  'a copy that got the inode of a deleted generation is not the file that was copied': {
    setup: { logs: ['raw'], ...PLAIN, wallAheadMs: 10_800_000, inodes: 'reused' },
    actions: [
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: 937 }] },
      { do: 'start' },
      { do: 'rotate', log: 0 },
      { do: 'rotate', log: 0 },
      { do: 'pass', ms: 1_200, wakes: 2 },
      { do: 'gzip', log: 0, which: 1, steps: 3 },
      { do: 'write', log: 0, lines: [{ at: 753, pad: 1_200 }] },
      { do: 'pass', ms: 1_200, wakes: 1 },
      { do: 'copy', log: 0 },
    ],
  },
  'a lost generation behind an unfinished one keeps no window open': {
    setup: { logs: ['raw'], rotation: 'dated', windowMs: 60_000, dedup: 'ever', wallAheadMs: 0 },
    actions: [
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: 652 }] },
      { do: 'rotate', log: 0 },
      { do: 'write', log: 0, lines: [{ at: -2_616_075 }] },
      { do: 'pass', ms: 1_200, wakes: 1 },
      { do: 'kill', after: 1 },
      { do: 'truncate', log: 0 },
      { do: 'start' },
    ],
  },
  'a full spool, and a log that is emptied within a line: the gap begins behind what was read': {
    setup: { logs: ['raw'], wallAheadMs: 0, rotation: 'dated', windowMs: 60_000, dedup: 'ever' },
    actions: [
      { do: 'configure', to: { spoolBytesMax: 1_000 } },
      { do: 'write', log: 0, lines: [{ at: -6_599_483, ms: 1_000 }] },
      { do: 'start' },
      { do: 'write', log: 0, lines: [{ at: -1_502_254 }] },
      { do: 'write', log: 0, lines: [{ at: 615_050 }] },
      { do: 'write', log: 0, lines: [{ at: 1_230_133 }, { at: 12_674_189 }, { at: 6_337_097 }] },
      { do: 'kill', after: 1 },
      { do: 'write', log: 0, lines: [{ at: 756 }, { at: 756 }], withheld: 132 },
      { do: 'start' },
      { do: 'truncate', log: 0 },
    ],
  },
}
