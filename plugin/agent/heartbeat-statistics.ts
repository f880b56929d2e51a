/** A ping without an answer for this long counts as lost. */
const ANSWER_WINDOW_MS = 1000
const LOSS_WINDOW_MS = 60_000
const RECENT_COUNT = 60

interface Ping {
  readonly sequence: number
  readonly sentAt: number
  readonly roundTripMs: number | null
}

export interface HeartbeatStatistics {
  pinged(sequence: number, now: number): void
  answered(sequence: number, now: number): void
  read(now: number): {
    readonly roundTripMs: number | null
    readonly lossPercent: number | null
    readonly recentRoundTripsMs: readonly (number | null)[]
  }
}

/** Round trips and loss of the last minute; null where nothing was measured yet. */
export function createHeartbeatStatistics(): HeartbeatStatistics {
  let pings: readonly Ping[] = []
  return {
    pinged(sequence, now) {
      pings = [
        ...pings.filter((ping) => isKept(ping, now)),
        { sequence, sentAt: now, roundTripMs: null },
      ]
    },
    answered(sequence, now) {
      pings = pings.map((ping) =>
        ping.sequence === sequence && ping.roundTripMs === null
          ? { ...ping, roundTripMs: now - ping.sentAt }
          : ping,
      )
    },
    read(now) {
      const settled = pings.filter((ping) => isKept(ping, now) && isSettled(ping, now))
      const lost = settled.filter((ping) => ping.roundTripMs === null).length
      const recent = settled.slice(-RECENT_COUNT).map((ping) => rounded(ping.roundTripMs))
      return {
        roundTripMs: recent.findLast((roundTripMs) => roundTripMs !== null) ?? null,
        lossPercent: settled.length === 0 ? null : Math.round((lost / settled.length) * 1000) / 10,
        recentRoundTripsMs: recent,
      }
    },
  }
}

function isKept(ping: Ping, now: number): boolean {
  return now - ping.sentAt <= LOSS_WINDOW_MS
}

function isSettled(ping: Ping, now: number): boolean {
  return ping.roundTripMs !== null || now - ping.sentAt > ANSWER_WINDOW_MS
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}
