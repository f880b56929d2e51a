import type { Language } from '../i18n/language.ts'

/** A small bar chart, as numbers that the view puts into SVG attributes. */
export interface Chart {
  readonly label: string
  readonly width: number
  readonly height: number
  readonly bars: readonly Bar[]
  /** The newest values, newest first, for the table under the chart. */
  readonly values: readonly string[]
  readonly largest: string
}

export interface Bar {
  readonly x: number
  readonly y: number
  readonly height: number
  readonly isMissing: boolean
}

const BARS = 60
const BAR_WIDTH = 4
const HEIGHT = 40
const TABLE_ROWS = 15

/** Draws the newest values; one that is missing stands as a full bar of its own colour. */
export function chart(
  label: string,
  series: readonly (number | null)[],
  missing: string,
  language: Language,
): Chart | null {
  if (series.length === 0) return null
  const shown = series.slice(-BARS)
  const largest = Math.max(1, ...shown.map((value) => value ?? 0))
  const offset = BARS - shown.length
  const bars = shown.map((value, index) => {
    const height = value === null ? HEIGHT : Math.max(1, Math.round((value / largest) * HEIGHT))
    return {
      x: (offset + index) * BAR_WIDTH,
      y: HEIGHT - height,
      height,
      isMissing: value === null,
    }
  })
  return {
    label: `${label}: ${summary(shown, missing, language)}`,
    width: BARS * BAR_WIDTH,
    height: HEIGHT,
    bars,
    values: shown
      .slice(-TABLE_ROWS)
      .reverse()
      .map((value) => (value === null ? missing : language.duration(value))),
    largest: language.duration(largest),
  }
}

function summary(
  shown: readonly (number | null)[],
  missing: string,
  { t, duration }: Language,
): string {
  const present = shown.filter((value) => value !== null)
  const newest = shown.at(-1) ?? null
  return t('chart.summary', {
    newest: newest === null ? missing : duration(newest),
    largest: duration(Math.max(0, ...present)),
    lost: shown.length - present.length,
    shown: shown.length,
    missing,
  })
}
