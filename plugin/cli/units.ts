import { InvalidArgumentError } from 'commander'

/** `5`, `0.5`, `5s`, `500ms`, `2min`, `8h` as milliseconds; a bare number means seconds. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|m|h)?$/.exec(text.trim())
  if (match === null)
    throw new InvalidArgumentError('Give seconds (5, 0.5), or a unit (500ms, 5s, 2min, 8h).')
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000
  return Math.round(Number(match[1]) * factor)
}

const AGO_MS = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `2026-03-01T09:00` (this server's zone unless it says one), `2026-03-01`, or `90min`, `2h`, `3d` ago; as ISO 8601. */
export function parseTime(text: string): string {
  const ago = /^(\d+)(s|min|h|d)( ago)?$/.exec(text.trim())
  if (ago !== null)
    return new Date(
      Date.now() - Number(ago[1]) * AGO_MS[ago[2] as keyof typeof AGO_MS],
    ).toISOString()
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text.trim()) ? `${text.trim()}T00:00` : text.trim()
  const at = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(day) ? new Date(day.replace(' ', 'T')) : null
  if (at === null || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError(
      'Give a time (2026-03-01T09:00, 2026-03-01) or how long ago (90min, 2h, 3d).',
    )
  return at.toISOString()
}

export function parseWholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

/** Milliseconds as a human reads them: `340 ms`, `4.2 s`, `12 min`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1_048_576) return `${(bytes / 1024).toFixed(1)} KiB`
  if (bytes < 1_073_741_824) return `${(bytes / 1_048_576).toFixed(1)} MiB`
  return `${(bytes / 1_073_741_824).toFixed(1)} GiB`
}

/** An ISO time in this server's time zone, sortable. */
export function formatTime(iso: string): string {
  const at = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
