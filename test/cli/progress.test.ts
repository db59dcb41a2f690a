// The bar of long work fits the terminal that it is drawn on, and goes away in the end.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Progress } from '../../src/cli/progress.ts'
import { cellsWide } from './cells-wide.ts'
import { terminal } from './screens.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What is drawn at the end of `seconds` in which `bytes` came, of `total`. */
function drawn(columns: number, bytes: number, total: number, seconds = 2): string[] {
  const texts: string[] = []
  const io = { redraw: (text: string) => texts.push(text), display: () => terminal(columns) }
  const progress = new Progress({ terminal: io }, total)
  vi.advanceTimersByTime(seconds * 1000)
  progress.add(bytes)
  progress.end()
  return texts.map((text) => text.replace('\r\u001B[K', ''))
}

describe('the bar', () => {
  test.each([
    [120, '[=======                       ]  25 %  500.0 MB of 2.0 GB, 250.0 MB/s, 6.0 s left'],
    [80, '[======                     ]  25 %  500.0 MB of 2.0 GB, 250.0 MB/s, 6.0 s left'],
    [40, '[=      ]  25 %  250.0 MB/s, 6.0 s left'],
  ])('on %i columns shows the share, the rate and what is left', (columns, line) => {
    expect(drawn(columns, 500e6, 2e9)[0]).toBe(line)
  })

  test('without a known end shows bytes and rate', () => {
    expect(drawn(80, 500e6, 0)[0]).toBe('500.0 MB, 250.0 MB/s')
  })

  test('is taken away in the end', () => {
    expect(drawn(80, 500e6, 2e9).at(-1)).toBe('')
  })

  test('of short work is never drawn', () => {
    expect(drawn(80, 500e6, 2e9, 0.3)).toEqual([])
  })

  test('leaves the last cell of the line free, at any width and share', () => {
    for (const columns of [40, 41, 50, 60, 70, 80, 100, 120]) {
      for (const bytes of [1, 1e3, 123_456_789, 9.99e11, 1e12, 2e12]) {
        const [line = ''] = drawn(columns, bytes, 1e12, 7)
        expect(cellsWide(line)).toBeLessThan(columns)
      }
    }
  })
})
