// Amounts as people read them.

/** `12,345`. */
export function grouped(count: bigint | number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1.4 GB`; decimal units, as bills have them. */
export function bytesText(bytes: bigint | number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']
  let value = Number(bytes)
  let unit = 0
  // 999,950 would be shown as 1000.0 kB.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

export function durationText(ms: bigint | number): string {
  const seconds = Number(ms) / 1000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`
  const [whole = '', tenth] = (seconds / 3600).toFixed(1).split('.')
  return `${grouped(BigInt(whole))}.${tenth} h`
}

/** `1 stream`, `2 streams`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
