import { z } from 'zod'
import type { EventKind } from '../core/event-kinds.ts'
import type { EventLevel } from '../core/settings.ts'

/** An event of a storm, as far as the summary needs it. */
export const heldSchema = z.object({
  group: z.string(),
  kind: z.string(),
  level: z.enum(['information', 'warning', 'alert']),
  eventId: z.int(),
  at: z.string(),
  firstMs: z.number(),
  lastMs: z.number(),
  count: z.int().min(1),
})
export type HeldEvent = z.infer<typeof heldSchema>

/** Events that come and go together: a link that flaps makes all of its group. */
export interface HeldGroup {
  readonly group: string
  readonly sinceMs: number
  readonly lastMs: number
  /** One for each kind, with its count; the newest last. */
  readonly events: readonly HeldEvent[]
}

const FAMILIES: Readonly<Partial<Record<EventKind, string>>> = {
  peerLost: 'the link between the servers',
  peerBack: 'the link between the servers',
  heartbeatLate: 'the link between the servers',
  splitPrevented: 'the link between the servers',
  takeOverRefused: 'the link between the servers',
  referenceLost: 'the reference addresses',
  referenceBack: 'the reference addresses',
  witnessLost: 'the witness',
  witnessBack: 'the witness',
  serviceUnhealthy: 'the telephony service',
  serviceRecovered: 'the telephony service',
  diskFailed: 'the disk',
  diskRecovered: 'the disk',
  databaseLost: 'the database',
  databaseBack: 'the database',
  synchronisationFailed: 'the synchronisation',
  synchronisationRecovered: 'the synchronisation',
  synchronisationBehind: 'the synchronisation',
  synchronisationCaughtUp: 'the synchronisation',
  resynchronisationStarted: 'the copy of the standby',
  resynchronisationDone: 'the copy of the standby',
  requirementFailed: 'the requirements of the pair',
  requirementMet: 'the requirements of the pair',
  firmwareDiffers: 'the requirements of the pair',
  virtualIpRestored: 'the virtual IP',
  virtualIpFailed: 'the virtual IP',
  virtualIpConflict: 'the virtual IP',
  savesUnconfirmed: 'the confirmation of saves',
  savesConfirmed: 'the confirmation of saves',
  copyGaveWay: 'the copy of the standby',
  notSynchronised: 'the synchronised tables',
  captureRepaired: 'the capture of changes',
  tableQuarantined: 'the synchronised tables',
  driftFound: 'the comparison of the servers',
  driftRepaired: 'the comparison of the servers',
  writeRefused: 'the config lock',
  pairingRefused: 'refused pairings',
  notificationFailed: 'the notifications',
  notificationRecovered: 'the notifications',
}

/** What an event has its storms with; null for one that is always told by itself, such as a failover. */
export function groupOf(kind: string): string | null {
  return FAMILIES[kind as EventKind] ?? null
}

export interface StormLimits {
  /** So many events of a group are told one by one within the window; more are held for a summary. */
  readonly free: number
  readonly windowMs: number
  /** The summary is sent when nothing more came for so long, or this long after the first at the latest. */
  readonly quietMs: number
  readonly longestMs: number
}

export const STORM_LIMITS: StormLimits = {
  free: 4,
  windowMs: 600_000,
  quietMs: 300_000,
  longestMs: 3_600_000,
}

export function heldAfter(
  held: ReadonlyMap<string, HeldGroup>,
  event: HeldEvent,
): ReadonlyMap<string, HeldGroup> {
  const present = held.get(event.group)
  const same = present?.events.find(({ kind }) => kind === event.kind)
  const others = present?.events.filter(({ kind }) => kind !== event.kind) ?? []
  const next: HeldGroup = {
    group: event.group,
    sinceMs: Math.min(present?.sinceMs ?? event.firstMs, event.firstMs),
    lastMs: Math.max(present?.lastMs ?? event.lastMs, event.lastMs),
    events: [
      ...others,
      {
        ...event,
        firstMs: Math.min(same?.firstMs ?? event.firstMs, event.firstMs),
        lastMs: Math.max(same?.lastMs ?? event.lastMs, event.lastMs),
        count: (same?.count ?? 0) + event.count,
      },
    ],
  }
  return new Map(held).set(event.group, next)
}

/** When the summary of a group is to be sent. */
export function dueAtMs({ sinceMs, lastMs }: HeldGroup, limits: StormLimits): number {
  return Math.min(lastMs + limits.quietMs, sinceMs + limits.longestMs)
}

/** The level of a summary: the highest of what it tells. */
export function highestLevel(levels: readonly EventLevel[]): EventLevel {
  const order: readonly EventLevel[] = ['information', 'warning', 'alert']
  return levels.reduce<EventLevel>(
    (highest, level) => (order.indexOf(level) > order.indexOf(highest) ? level : highest),
    'information',
  )
}
