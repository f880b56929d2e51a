import type { Translate } from './catalogue.ts'

export interface Moment {
  /** For the `datetime` attribute. */
  readonly iso: string
  readonly text: string
}

/** Numbers and times as people of a language write them. */
export interface Formats {
  /** `340 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
  readonly duration: (ms: number | null) => string
  /** `512 B`, `12.4 MiB`. */
  readonly bytes: (count: number | null) => string
  readonly count: (value: number | null) => string
  /** `12 %`. */
  readonly percent: (value: number) => string
  /** Always with its time zone, since administrator and server may live in different ones. */
  readonly moment: (iso: string | null) => Moment | null
  /** How long ago it was, by the agent's own clock. */
  readonly ago: (iso: string | null, nowIso: string) => string
}

const NOTHING = '–'
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function createFormats(locale: string, timeZone: string, t: Translate): Formats {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
  const tenths = new Intl.NumberFormat(locale, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  })
  const percent = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
  const date = new Intl.DateTimeFormat(locale, {
    ...{ year: 'numeric', month: 'short', day: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
    timeZone,
    timeZoneName: 'short',
  })
  const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
    [
      `${large} ${t(`unit.${largeUnit}`)}`,
      ...(small === 0 ? [] : [`${small} ${t(`unit.${smallUnit}`)}`]),
    ].join(' ')

  const duration = (ms: number | null): string => {
    if (ms === null || !Number.isFinite(ms)) return NOTHING
    if (ms < 1) return ms > 0 ? '< 1 ms' : '0 ms'
    if (ms < 1000) return `${Math.round(ms)} ms`
    if (ms < 60_000) return `${tenths.format(ms / 1000)} s`
    const seconds = Math.floor(ms / 1000)
    const minutes = Math.floor(seconds / 60)
    const hours = Math.floor(minutes / 60)
    if (hours >= 24) return two(Math.floor(hours / 24), 'day', hours % 24, 'hour')
    if (minutes >= 60) return two(hours, 'hour', minutes % 60, 'minute')
    return two(minutes, 'minute', seconds % 60, 'second')
  }
  return {
    duration,
    bytes(count) {
      if (count === null) return NOTHING
      const exponent = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), UNITS.length - 1)
      const value = count / 1024 ** exponent
      return `${exponent === 0 ? whole.format(value) : tenths.format(value)} ${UNITS[exponent] ?? 'B'}`
    },
    count: (value) => (value === null ? NOTHING : whole.format(value)),
    percent: (value) => `${percent.format(value)} %`,
    moment(iso) {
      if (iso === null) return null
      const at = new Date(iso)
      return Number.isNaN(at.getTime()) ? { iso: '', text: iso } : { iso, text: date.format(at) }
    },
    ago: (iso, nowIso) =>
      iso === null
        ? NOTHING
        : t('format.ago', {
            duration: duration(Math.max(0, Date.parse(nowIso) - Date.parse(iso))),
          }),
  }
}

export function percentOf(done: number, total: number): number {
  if (total <= 0) return 0
  return Math.min(100, Math.max(0, Math.round((done / total) * 100)))
}
