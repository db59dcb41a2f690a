// The public API of meter-fast. What is not exported here may change without notice.

export { Agent, type AgentOptions, type AgentReport, type AgentSignal } from './agent.ts'
export type { Done, Operation } from './agent-replay.ts'
export type { ProjectMap } from './agent-replay-usage.ts'
export { carryOut } from './agent-requests.ts'
export type { Config } from './config/config.ts'
export { type LoadOptions, loadConfig } from './config/load.ts'
export type { FormatMap, LineDimension, PresetName } from './config/presets.ts'
export type { UsageEvent } from './emit/event.ts'
export type { UsageRow } from './emit/usage-page.ts'
export { MeterFastError, type MeterFastErrorCode } from './errors.ts'
export { type LineCounts, Meter, type MeterOptions, type Segment } from './meter.ts'
export { type DetectedFormat, type DetectOptions, detectFormat } from './meter-format.ts'
