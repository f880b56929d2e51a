/** When a host held an address, by the kernel's own notifications. Times are Unix time in ms. */
export interface HeldInterval {
  readonly from: number
  /** Infinity while it is held. */
  readonly until: number
}

const LINE = /^\[([^\]]+)\]\s*(Deleted )?\s*\d+: \S+\s+inet6? ([^/\s]+)\//

/** Reads what `ip -ts -o monitor address` printed. */
export function heldIntervals(printed: string, address: string): HeldInterval[] {
  const intervals: HeldInterval[] = []
  let from: number | null = null
  for (const line of printed.split('\n').slice(0, -1)) {
    const [, at = '', deleted, what] = LINE.exec(line) ?? []
    if (what !== address) continue
    if (deleted === undefined) from ??= Date.parse(at)
    else if (from !== null) {
      intervals.push({ from, until: Date.parse(at) })
      from = null
    }
  }
  return from === null ? intervals : [...intervals, { from, until: Infinity }]
}

/** Questions that come apart further than this were not answered in between. */
const ANSWERS_APART_MS = 150

/** When a host answered for the address, by the times of the questions that it answered, one a line. */
export function answeredIntervals(printed: string): HeldInterval[] {
  const intervals: { from: number; until: number }[] = []
  for (const line of printed.split('\n').slice(0, -1)) {
    const at = Number(line)
    const last = intervals.at(-1)
    if (last !== undefined && at - last.until <= ANSWERS_APART_MS)
      last.until = Math.max(at, last.until)
    else intervals.push({ from: at, until: at })
  }
  return intervals
}

/** How long two hosts held it at once, within a time. */
export function heldByBothMs(
  one: readonly HeldInterval[],
  other: readonly HeldInterval[],
  from: number,
  until: number,
): number {
  let both = 0
  for (const a of one)
    for (const b of other) {
      const begin = Math.max(a.from, b.from, from)
      const end = Math.min(a.until, b.until, until)
      if (end > begin) both += end - begin
    }
  return both
}

/** How long nobody held it, within a time. */
export function heldByNobodyMs(
  hosts: readonly (readonly HeldInterval[])[],
  from: number,
  until: number,
): number {
  const sorted = hosts.flat().sort((one, other) => one.from - other.from)
  let nobody = 0
  let covered = from
  for (const interval of sorted) {
    if (interval.from > covered) nobody += Math.max(0, Math.min(interval.from, until) - covered)
    covered = Math.max(covered, interval.until)
    if (covered >= until) return nobody
  }
  return nobody + Math.max(0, until - covered)
}
