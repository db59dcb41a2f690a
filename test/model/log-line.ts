// One log entry as bytes: an Envoy record of the format `datum`, in the envelope of its log.

import { BASE_MS, type Line } from './sequence.ts'

/**
 * The JSON of a line; `serial` makes every line of a sequence another one: of a file that is
 * emptied and filled with the very bytes that it had, nobody can tell that it was.
 */
export function lineText(line: Line, serial: number): string {
  if (line.junk === '') return ' '.repeat(serial)
  if (line.junk !== undefined) return line.junk.replaceAll('#', String(serial))
  const { project = 'p-a', route = 'httproute/n/w', ms = 0, request, pad } = line
  const record: Record<string, unknown> = {
    project_name: project,
    route_name: route,
    bytes_sent: line.sent ?? 1,
    bytes_received: line.received ?? 0,
    duration: ms,
    start_time: startTime(line),
    request_id: serial,
  }
  if (request !== undefined) {
    record['access_log_type'] = `Downstream${line.type ?? 'End'}`
    record['stream_id'] = `r${request}`
    record['connection_id'] = 1
  }
  if (pad !== undefined) record['user_agent'] = 'x'.repeat(pad)
  return JSON.stringify(record)
}

/** Records of one long-lived request agree in their start. */
function startTime({ at, ms = 0 }: Line): string {
  return new Date(BASE_MS + at - ms).toISOString()
}

/** The physical lines of one record in CRI; the last one may come later. No two have one time. */
export function criLines(text: string, atMs: number, serial: number, parts: number): string[] {
  const time = new Date(BASE_MS + atMs).toISOString().slice(0, -1)
  const size = Math.ceil(text.length / parts)
  return Array.from({ length: parts }, (_, index) => {
    const tag = index === parts - 1 ? 'F' : 'P'
    const ns = String(serial * 10 + index).padStart(6, '0')
    return `${time}${ns}Z stdout ${tag} ${text.slice(index * size, (index + 1) * size)}\n`
  })
}
