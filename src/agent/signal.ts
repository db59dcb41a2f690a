// What an agent tells about its work: the closed list is in src/observe/signals.ts.

export type { Signal as AgentSignal } from '../observe/signals.ts'
