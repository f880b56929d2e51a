/** Everything the decision core waits for, derived from the two times that the administrator sets. */
export interface Timing {
  readonly intervalMs: number
  readonly deadMs: number
  /** Silence after which heartbeats count as late. */
  readonly warnMs: number
  /** How long a server that boots alone listens. */
  readonly initDeadMs: number
  /** Lifetime of the virtual IP in the kernel; whole seconds. */
  readonly leaseMs: number
  readonly renewMs: number
  /** Without peer and reference for this long, an active server is isolated and lets go. */
  readonly isolationMs: number
  readonly tickMs: number
  /** A non-active server that was stopped for longer than this distrusts its clock of silence. */
  readonly stallMs: number
  /** How long two servers that hear each other, none of them active, look before one claims. */
  readonly electionMs: number
  /** How long a claim waits for an objection. */
  readonly claimWaitMs: number
  readonly probePollMs: number
  /** So long before the dead time is over the address is asked for, so that the answer is there when it is. */
  readonly claimLeadMs: number
  /** So long an address that nobody answered for counts as free. */
  readonly freeForMs: number
  /** An address that the peer's kernel still answers after this time is being renewed: the peer is alive. */
  readonly heldLimitMs: number
  /** How often the reference addresses are asked while the peer is heard, and while it is silent. */
  readonly referenceIdleMs: number
  readonly referenceBusyMs: number
  /** A prepared hand-over that is not completed is undone after this time. */
  readonly handOverMs: number
  /** How long an unhealthy or cut-off active waits before it offers its role. */
  readonly unfitMs: number
  readonly retryMs: number
  /** For how long the witness keeps the role for one server; whole seconds, as a witness counts. */
  readonly witnessMs: number
  readonly witnessRenewMs: number
}

export const DEFAULT_KEEP_ALIVE_INTERVAL_MS = 500
export const DEFAULT_DEAD_TIME_MS = 5000

/** The kernel removes an expired address this much late at the most (measured: 0.73 s). */
const KERNEL_LATENESS_MS = 1250
const SLACK_MS = 250
const SHORTEST_LEASE_MS = 1000
const LONGEST_LEASE_MS = 30_000
/** Long enough for the shortest address lease, its end in the kernel, and a renewal. */
const SHORTEST_WITNESS_MS = 3000
const SHORTEST_INTERVAL_MS = 100
const LONGEST_INTERVAL_MS = 60_000
const LONGEST_DEAD_TIME_MS = 600_000

/** The timing law; see the decision on failover timing. Give settings that `checkTiming` accepts. */
export function deriveTiming(pair: {
  readonly keepAliveIntervalMs: number
  readonly deadTimeMs: number
}): Timing {
  const intervalMs = pair.keepAliveIntervalMs
  const deadMs = pair.deadTimeMs
  const leaseMs = leaseOf(intervalMs, deadMs)
  const isolationMs = clamp(deadMs / 2, 3 * intervalMs, deadMs - intervalMs - SLACK_MS)
  // Over when the standby may act, so that a failover does not wait for it.
  const witnessMs = Math.max(SHORTEST_WITNESS_MS, Math.floor((deadMs - intervalMs) / 1000) * 1000)
  return {
    intervalMs,
    deadMs,
    warnMs: Math.max(deadMs / 2, 2 * intervalMs),
    initDeadMs: 2 * deadMs,
    leaseMs,
    renewMs: leaseMs / 4,
    isolationMs,
    tickMs: clamp(intervalMs / 4, 25, 250),
    stallMs: 1000,
    electionMs: Math.max(1000, 3 * intervalMs),
    claimWaitMs: 200,
    probePollMs: 100,
    claimLeadMs: 400,
    freeForMs: 500,
    heldLimitMs: leaseMs + KERNEL_LATENESS_MS + SLACK_MS,
    referenceIdleMs: Math.max(5000, 4 * intervalMs),
    referenceBusyMs: clamp(isolationMs / 4, 100, 1000),
    handOverMs: 30_000,
    unfitMs: Math.max(10_000, 2 * deadMs),
    retryMs: 5000,
    witnessMs,
    witnessRenewMs: clamp(witnessMs / 8, 250, 1000),
  }
}

export interface TimingProblem {
  readonly field: 'keepAliveIntervalMs' | 'deadTimeMs'
  readonly reason: string
  readonly remedy: string
}

/** What is wrong with the two times, in words for page and command line; empty when the pair can work with them. */
export function checkTiming(keepAliveIntervalMs: number, deadTimeMs: number): TimingProblem[] {
  const interval = wrongRange(
    'keepAliveIntervalMs',
    keepAliveIntervalMs,
    SHORTEST_INTERVAL_MS,
    LONGEST_INTERVAL_MS,
  )
  const dead = wrongRange('deadTimeMs', deadTimeMs, 1, LONGEST_DEAD_TIME_MS)
  const ranges = [interval, dead].filter((problem) => problem !== null)
  return ranges.length > 0 ? ranges : brokenLaws(keepAliveIntervalMs, deadTimeMs)
}

/** The shortest dead time that goes with an interval. */
export function shortestDeadTimeMs(keepAliveIntervalMs: number): number {
  const forLease = SHORTEST_LEASE_MS + KERNEL_LATENESS_MS + keepAliveIntervalMs + SLACK_MS
  return Math.max(5 * keepAliveIntervalMs, forLease)
}

function brokenLaws(intervalMs: number, deadMs: number): TimingProblem[] {
  const shortest = shortestDeadTimeMs(intervalMs)
  if (deadMs >= shortest) return []
  const reason =
    shortest === 5 * intervalMs
      ? `is shorter than five keep-alive intervals of ${intervalMs} ms, so a few lost packets would look like a failed server`
      : `is too short with a keep-alive interval of ${intervalMs} ms: the failed server's virtual IP would not be gone yet`
  return [{ field: 'deadTimeMs', reason, remedy: `Give at least ${shortest}.` }]
}

function wrongRange(
  field: TimingProblem['field'],
  value: number,
  lowest: number,
  highest: number,
): TimingProblem | null {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return null
  return {
    field,
    reason: 'is not a time that can be used',
    remedy: `Give whole milliseconds from ${lowest} to ${highest}.`,
  }
}

function leaseOf(intervalMs: number, deadMs: number): number {
  const longest = deadMs - KERNEL_LATENESS_MS - SLACK_MS - intervalMs
  return clamp(Math.floor(longest / 1000) * 1000, SHORTEST_LEASE_MS, LONGEST_LEASE_MS)
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(value, highest))
}
