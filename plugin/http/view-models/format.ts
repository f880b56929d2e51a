/** A duration as people say it: `340 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return '–'
  if (ms < 1) return ms > 0 ? '< 1 ms' : '0 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (hours >= 24) return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
  if (minutes >= 60) return pair(hours, 'h', minutes % 60, 'min')
  return pair(minutes, 'min', seconds % 60, 's')
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** `512 B`, `12.4 MiB`. */
export function bytes(count: number | null): string {
  if (count === null) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  const exponent = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1)
  const value = count / 1024 ** exponent
  return `${exponent === 0 ? value : value.toFixed(1)} ${units[exponent] ?? 'B'}`
}

export function count(value: number | null): string {
  return value === null ? '–' : value.toLocaleString('en-US')
}

export interface Moment {
  /** For the `datetime` attribute. */
  readonly iso: string
  readonly text: string
}

/** A time of the agent in UTC, since administrator and server may live in different zones. */
export function moment(iso: string | null): Moment | null {
  if (iso === null) return null
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return { iso: '', text: iso }
  return { iso, text: `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC` }
}

/** How long ago it was, by the agent's own clock. */
export function ago(iso: string | null, nowIso: string): string {
  if (iso === null) return '–'
  return `${duration(Math.max(0, Date.parse(nowIso) - Date.parse(iso)))} ago`
}

export function percent(done: number, total: number): number {
  if (total <= 0) return 0
  return Math.min(100, Math.max(0, Math.round((done / total) * 100)))
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
