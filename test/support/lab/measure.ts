import { waitUntil } from '../wait-until.ts'
import { heldByBothMs, heldByNobodyMs } from './holder-log.ts'
import type { LabPair, Roles } from './pair.ts'
import { acknowledgedWrites, isAnswered, longestOutageMs } from './request-log.ts'
import type { Scenario, Story } from './scenario.ts'
import type { LabServer } from './server.ts'

/** What one run of one fault brought. */
export interface Measurement {
  readonly fault: string
  /** Longest time without service while the fault lasted. */
  readonly outageMs: number
  /** The same after it was mended. */
  readonly outageAfterMs: number
  /** The longest gap just before the fault: what this machine's noise alone does. */
  readonly noiseMs: number
  readonly bothHeldMs: number
  /** From the mending until no two held it any more. */
  readonly bothHeldAfterMs: number
  readonly nobodyHeldMs: number
  /** Who was active when the fault was mended, and when all was well again. */
  readonly moved: boolean
  readonly stayedAfterwards: boolean
  /** While the fault lasted. */
  readonly requestsFailed: number
  /** Acknowledged, and not on the server that is active in the end. */
  readonly writesLost: number
  /** Of these, how old the oldest was when the fault came, and how many were kept nowhere. */
  readonly oldestLostMs: number
  readonly writesLostForGood: number
  /** The lag that status and page showed last before the fault. */
  readonly lagShownMs: number
  readonly seconds: number
}

const BASELINE_MS = 2000
const TAKE_OVER_LIMIT_MS = 40_000

/** Runs one fault on a settled pair and waits until everything is well again. */
export async function measure(pair: LabPair, scenario: Scenario): Promise<Measurement> {
  const startedAt = Date.now()
  let before = await pair.settle()
  if (scenario.activeSide !== undefined && before.active.side !== scenario.activeSide)
    before = await switchOver(pair, before)
  const quietFrom = Date.now()
  let lagShownMs = 0
  await waitUntil(
    'a time before the fault',
    async () => {
      lagShownMs = (await before.standby.status())?.replication.lag?.ageMs ?? lagShownMs
      return Date.now() - quietFrom > BASELINE_MS
    },
    BASELINE_MS + 10_000,
  )
  const noiseMs = longestOutageMs(pair.requests(), quietFrom, Date.now())
  requireSeen(pair, before.active, quietFrom)
  const story: Story = { pair, ...before }
  const faultAt = Date.now()
  let mendAt: number
  let inFault: { readonly active: LabServer }
  try {
    await scenario.fault(story)
    inFault = await outcome(story, scenario, faultAt)
  } finally {
    mendAt = Date.now()
    await scenario.mend?.(story)
  }
  const after = await pair.settle()
  const wellAt = Date.now()
  requireSeen(pair, after.active, mendAt)
  const requests = pair.requests()
  const [active, standby] = [pair.held(before.active), pair.held(before.standby)]
  const lost = await lostWrites(pair, after, faultAt, wellAt)
  return {
    fault: scenario.name,
    outageMs: Math.round(longestOutageMs(requests, faultAt, mendAt)),
    outageAfterMs: Math.round(longestOutageMs(requests, mendAt, wellAt)),
    noiseMs: Math.round(noiseMs),
    bothHeldMs: Math.round(heldByBothMs(active, standby, faultAt, mendAt)),
    bothHeldAfterMs: Math.round(heldByBothMs(active, standby, mendAt, wellAt)),
    nobodyHeldMs: Math.round(heldByNobodyMs([active, standby], faultAt, mendAt)),
    moved: inFault.active === before.standby,
    stayedAfterwards: after.active === inFault.active,
    requestsFailed: requests.filter(
      (one) => !isAnswered(one) && one.sentAt >= faultAt && one.sentAt < mendAt,
    ).length,
    ...lost,
    oldestLostMs: lost.oldestLostAt === null ? 0 : Math.round(faultAt - lost.oldestLostAt),
    lagShownMs,
    seconds: Math.round((wellAt - startedAt) / 100) / 10,
  }
}

/** Whoever serves must be seen to hold the address: "never two holders" would mean nothing else. */
function requireSeen(pair: LabPair, server: LabServer, since: number): void {
  if (pair.held(server).some(({ until }) => until >= since)) return
  throw new Error(`${server.name} serves, but was not seen to hold the address`)
}

/** Waits until the address has moved as it shall, or for the time in which it must not. */
async function outcome(
  { pair, active, standby }: Story,
  { moves, lastsMs, mayHoldBoth }: Scenario,
  faultAt: number,
): Promise<{ readonly active: LabServer }> {
  const answeredBy = (server: LabServer): boolean =>
    pair
      .requests()
      .some((one) => isAnswered(one) && one.server === server.name && one.sentAt > faultAt)
  if (mayHoldBoth === true) {
    // Clients reach either; the one that took over has the higher term, and keeps the address after the mending.
    await waitUntil('the fault lasts', () => Date.now() - faultAt >= lastsMs, lastsMs + 10_000)
    return { active: standby }
  }
  if (moves) {
    await waitUntil(`${standby.name} serves`, () => answeredBy(standby), TAKE_OVER_LIMIT_MS)
    await waitUntil('the fault lasts on', () => Date.now() - faultAt >= lastsMs, lastsMs + 10_000)
    return { active: standby }
  }
  await waitUntil('the fault lasts', () => Date.now() - faultAt >= lastsMs, lastsMs + 10_000)
  return { active: answeredBy(standby) ? standby : active }
}

/** A planned take-over by the standby. */
export async function switchOver(pair: LabPair, { standby }: Roles): Promise<Roles> {
  await standby.command('take-over')
  return pair.settle()
}

interface Lost {
  readonly writesLost: number
  readonly oldestLostAt: number | null
  readonly writesLostForGood: number
}

/** Every acknowledged write is on the active, or kept on a server among the changes that had not been sent. */
export async function lostWrites(
  pair: LabPair,
  { active, standby }: Roles,
  from: number,
  until: number,
): Promise<Lost> {
  const acknowledged = acknowledgedWrites(pair.requests(), from - BASELINE_MS, until)
  const rows = await active.sql<{ caller: string }>('select caller from call_records')
  const there = new Set(rows.map((row) => row.caller))
  const lost = acknowledged.filter((write) => !there.has(String(write.number)))
  if (lost.length === 0) return { writesLost: 0, oldestLostAt: null, writesLostForGood: 0 }
  const kept = await Promise.all(
    [active, standby].map((server) =>
      server.sql<{ row_values: string[] | null }>(
        `select row_values from hot_standby.unsent_change where table_name = 'call_records'`,
      ),
    ),
  )
  const keptNumbers = new Set(kept.flat().flatMap((row) => row.row_values ?? []))
  return {
    writesLost: lost.length,
    oldestLostAt: Math.min(...lost.map((write) => write.endedAt)),
    writesLostForGood: lost.filter((write) => !keptNumbers.has(String(write.number))).length,
  }
}
