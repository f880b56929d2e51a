import { InvalidArgumentError } from 'commander'

/** `5`, `0.5`, `5s`, `500ms` as milliseconds; a bare number means seconds. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min)?$/.exec(text.trim())
  if (match === null)
    throw new InvalidArgumentError('Give seconds (5, 0.5), or a unit (500ms, 5s, 2min).')
  const factor = { ms: 1, s: 1000, min: 60_000 }[match[2] ?? 's'] ?? 1000
  return Math.round(Number(match[1]) * factor)
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
