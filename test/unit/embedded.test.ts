// What the loader of the system says decides whether another directory is tried.

import { expect, test } from 'vitest'
import { isStandalone, isSystemTooOld } from '../../src/embedded.ts'

test.each([
  ["/lib/libc.so.6: version `GLIBC_2.34' not found (required by /tmp/a/lmdb.node)", true],
  ["/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by /tmp/lmdb.node)", true],
  ['libstdc++.so.6: cannot open shared object file: No such file or directory', true],
  ['/tmp/a.node: failed to map segment from shared object', false],
  ["EROFS: read-only file system, mkdir '/tmp/meter-fast-native-1'", false],
])('%s: the system is too old: %s', (text, isTooOld) => {
  expect(isSystemTooOld(text)).toBe(isTooOld)
})

test('a script that Node runs is not the binary', () => {
  expect(isStandalone).toBe(false)
})
