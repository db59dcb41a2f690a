// What people see, as files: each is looked at by a person once, and every change of it again.

import { join } from 'node:path'
import { expect } from 'vitest'
import { type Display, displayOf } from '../../src/cli/display.ts'
import { tooWide } from './cells-wide.ts'

export const WIDTHS = [40, 80, 120] as const

/** A terminal without colours. */
export function terminal(columns: number, rows?: number): Display {
  return displayOf({ isTTY: true, columns, ...(rows && { rows }) }, { NO_COLOR: '1' })
}

/** The text is that of `screens/<name>-<columns>.txt`, and no line of it is too wide. */
export async function expectScreen(name: string, columns: number, text: string): Promise<void> {
  expect(tooWide(text, columns)).toEqual([])
  const path = join(import.meta.dirname, 'screens', `${name}-${columns}.txt`)
  await expect(text).toMatchFileSnapshot(path)
}
