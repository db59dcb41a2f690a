// Before the first test: tools that are missing are installed once, not by each test file at a
// time.

import { hadolint, kubectl, promtool } from './tools.ts'

export async function setup(): Promise<void> {
  await promtool()
  await kubectl()
  await hadolint()
}
