/** What `<input type="datetime-local">` sends: a wall clock without a zone. */
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/

/** The moment at which clocks of the zone show this time, as ISO 8601; null when the text is not a time. */
export function instantOf(local: string, timeZone: string): string | null {
  const match = LOCAL.exec(local)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0))
  const wall = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second ?? 0)
  // 30 February would become a day of March.
  if (new Date(wall).toISOString().slice(0, 16) !== local.slice(0, 16)) return null
  // The offset there may differ from the one at the first guess when the clocks change in between.
  const guess = wall - offsetMs(wall, timeZone)
  return new Date(wall - offsetMs(guess, timeZone)).toISOString()
}

/** What clocks of the zone show at this moment, for the field; empty when it is not a time. */
export function localOf(iso: string, timeZone: string): string {
  const at = Date.parse(iso)
  return Number.isNaN(at) ? '' : new Date(at + offsetMs(at, timeZone)).toISOString().slice(0, 19)
}

/** How far clocks of the zone are ahead of UTC. */
function offsetMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23', era: 'short' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(at)
  const value = (type: string): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0)
  const wall = Date.UTC(
    ...([value('year'), value('month') - 1, value('day')] as const),
    ...([value('hour'), value('minute'), value('second')] as const),
  )
  return wall - Math.floor(at / 1000) * 1000
}
