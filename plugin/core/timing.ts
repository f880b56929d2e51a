/** Everything the decision core waits for, derived from the two times that the administrator sets. */
export interface Timing {
  readonly intervalMs: number
  readonly deadMs: number
  /** Silence after which heartbeats count as late. */
  readonly warnMs: number
  /** How long a server that boots alone listens. */
  readonly initDeadMs: number
  /** Lifetime of the virtual IP in the kernel; whole seconds without the gate. */
  readonly leaseMs: number
  /** The kernel may end the lease so much before it is over by our count. */
  readonly leaseMarginMs: number
  /** A lease is a multiple of this, and not shorter than the next one. */
  readonly leaseUnitMs: number
  readonly shortestLeaseMs: number
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
  /**
   * So far apart claim two servers that do not hear each other, so that the later one finds the address held: one of them
   * may notice a reference address so much later that is back for both.
   */
  readonly claimTurnMs: number
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

/** How the kernel ends a lease that nobody prolongs. */
interface LeaseLaw {
  /** At the most so late. */
  readonly latenessMs: number
  readonly marginMs: number
  readonly unitMs: number
  readonly shortestMs: number
}

/** An address: it is looked at about once a second (measured: 0.73 s late). */
const ADDRESS_LAW: LeaseLaw = { latenessMs: 1250, marginMs: 300, unitMs: 1000, shortestMs: 1000 }
/** An element of nftables: its time is looked at with each packet (measured: never late). */
const GATE_LAW: LeaseLaw = { latenessMs: 50, marginMs: 50, unitMs: 1, shortestMs: 400 }
const SLACK_MS = 250
const LONGEST_LEASE_MS = 30_000
const LONGEST_STALL_MS = 1000
const FREE_FOR_MS = 500
/** Long enough for the shortest address lease, its end in the kernel, and a renewal. */
const SHORTEST_WITNESS_MS = 3000
const SHORTEST_INTERVAL_MS = 100
const LONGEST_INTERVAL_MS = 60_000
const LONGEST_DEAD_TIME_MS = 600_000

/** The timing law; see the decision on failover timing. Give settings that `checkTiming` accepts. */
export function deriveTiming(pair: {
  readonly keepAliveIntervalMs: number
  readonly deadTimeMs: number
  readonly virtualIp?: { readonly gate?: boolean | undefined }
}): Timing {
  const intervalMs = pair.keepAliveIntervalMs
  const deadMs = pair.deadTimeMs
  const law = leaseLaw(pair.virtualIp?.gate)
  const leaseMs = leaseOf(intervalMs, deadMs, law)
  const isolationMs = clamp(deadMs / 2, 3 * intervalMs, deadMs - intervalMs - SLACK_MS)
  const tickMs = clamp(intervalMs / 4, 25, 250)
  const referenceBusyMs = clamp(isolationMs / 4, 100, 1000)
  // Over when the standby may act, so that a failover does not wait for it.
  const witnessMs = Math.max(SHORTEST_WITNESS_MS, Math.floor((deadMs - intervalMs) / 1000) * 1000)
  return {
    intervalMs,
    deadMs,
    warnMs: Math.max(deadMs / 2, 2 * intervalMs),
    initDeadMs: 2 * deadMs,
    leaseMs,
    leaseMarginMs: law.marginMs,
    leaseUnitMs: law.unitMs,
    shortestLeaseMs: law.shortestMs,
    renewMs: leaseMs / 4,
    isolationMs,
    tickMs,
    stallMs: Math.min(LONGEST_STALL_MS, deadMs / 2),
    electionMs: Math.max(1000, 3 * intervalMs),
    claimWaitMs: 200,
    probePollMs: 100,
    claimLeadMs: 400,
    freeForMs: FREE_FOR_MS,
    claimTurnMs: Math.max(intervalMs, referenceBusyMs + tickMs + FREE_FOR_MS),
    heldLimitMs: leaseMs + law.latenessMs + SLACK_MS,
    referenceIdleMs: Math.max(5000, 4 * intervalMs),
    referenceBusyMs,
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
export function checkTiming(
  keepAliveIntervalMs: number,
  deadTimeMs: number,
  hasGate = false,
): TimingProblem[] {
  const interval = wrongRange(
    'keepAliveIntervalMs',
    keepAliveIntervalMs,
    SHORTEST_INTERVAL_MS,
    LONGEST_INTERVAL_MS,
  )
  const dead = wrongRange('deadTimeMs', deadTimeMs, 1, LONGEST_DEAD_TIME_MS)
  const ranges = [interval, dead].filter((problem) => problem !== null)
  return ranges.length > 0 ? ranges : brokenLaws(keepAliveIntervalMs, deadTimeMs, hasGate)
}

/** The shortest dead time that goes with an interval. */
export function shortestDeadTimeMs(keepAliveIntervalMs: number, hasGate = false): number {
  const { shortestMs, latenessMs } = leaseLaw(hasGate)
  const forLease = shortestMs + latenessMs + keepAliveIntervalMs + SLACK_MS
  return Math.max(5 * keepAliveIntervalMs, forLease)
}

function brokenLaws(intervalMs: number, deadMs: number, hasGate: boolean): TimingProblem[] {
  const shortest = shortestDeadTimeMs(intervalMs, hasGate)
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

function leaseLaw(hasGate = false): LeaseLaw {
  return hasGate ? GATE_LAW : ADDRESS_LAW
}

function leaseOf(intervalMs: number, deadMs: number, law: LeaseLaw): number {
  const longest = deadMs - law.latenessMs - SLACK_MS - intervalMs
  return clamp(Math.floor(longest / law.unitMs) * law.unitMs, law.shortestMs, LONGEST_LEASE_MS)
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(value, highest))
}
