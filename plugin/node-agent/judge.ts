import type {
  Blocker,
  Health,
  PeerStatus,
  ReplicationStatus,
  ServerStatus,
  StatusDocument,
} from '../api/status-document.ts'
import { blockersOf } from '../core/blockers.ts'
import { healthOf } from '../core/health.ts'
import type { AutomaticTakeOver } from '../core/modes.ts'
import type { PeerReport } from '../core/state.ts'

export interface Judged {
  readonly setUp: StatusDocument['setUp']
  readonly server: ServerStatus
  readonly peer: PeerStatus | null
  readonly peerReport: PeerReport | null
  /** The standby's own page, when this server is active and it answers. */
  readonly peerStatus: StatusDocument | null
  readonly replication: ReplicationStatus
  readonly inSync: boolean
  readonly requirements: StatusDocument['requirements']
  readonly maintenance: boolean
  readonly automatic: AutomaticTakeOver
}

/** Every reason against a take-over, and the one word over it all. */
export function judge(input: Judged): {
  readonly blockers: readonly Blocker[]
  readonly health: Health
} {
  const blockers = blockersOf({
    paired: input.setUp === 'paired',
    role: input.server.role,
    peerHeard: input.peer?.heard ?? false,
    peerRole: input.peer?.role ?? null,
    standby: standbyOf(input),
    maintenance: input.maintenance,
    automatic: input.automatic,
    quarantinedTables: quarantined(input.replication),
    requirements: input.requirements,
  })
  const health = healthOf({
    setUp: input.setUp,
    state: input.server.state,
    role: input.server.role,
    peer: { heard: input.peer?.heard ?? false, role: input.peer?.role ?? null },
    inSync: input.inSync,
    synchronising: isSynchronising(input),
    blockers,
    troubles: troublesOf(input),
  })
  return { blockers, health }
}

/** The server that would take over, whichever of the two it is. */
function standbyOf(input: Judged): Parameters<typeof blockersOf>[0]['standby'] {
  const { server, peerReport, peerStatus, inSync, replication } = input
  const syncReason = inSync ? null : replication.reason
  if (server.role !== 'active') {
    const { databaseUp, diskWritable, referenceReachable } = server
    return {
      inSync,
      databaseUp,
      diskWritable,
      carrierUp: server.carrierUp ?? true,
      referenceReachable,
      syncReason,
    }
  }
  const standby = peerStatus?.server
  return {
    inSync,
    databaseUp: standby?.databaseUp ?? peerReport?.healthy ?? true,
    diskWritable: standby?.diskWritable ?? true,
    carrierUp: standby?.carrierUp ?? true,
    referenceReachable: standby?.referenceReachable ?? null,
    syncReason,
  }
}

function isSynchronising({ peerStatus, replication, server }: Judged): boolean {
  const phase = server.role === 'active' ? peerStatus?.replication.phase : replication.phase
  return phase === 'copying' || phase === 'catchingUp'
}

function quarantined({ tables }: ReplicationStatus): readonly string[] {
  return tables.filter((table) => table.state === 'quarantined').map((table) => table.name)
}

/** What is wrong without keeping a take-over from working. */
function troublesOf({
  server,
  requirements,
  replication,
}: Judged): { reason: string; remedy: string }[] {
  const troubles: { reason: string; remedy: string }[] = []
  if (!server.databaseUp)
    troubles.push({
      reason: 'the database of this server does not answer',
      remedy: 'Start PostgreSQL on this server.',
    })
  if (!server.diskWritable)
    troubles.push({
      reason: 'the disk of this server cannot be written to',
      remedy: 'Make room on it, or find out why it is read-only.',
    })
  if (!server.serviceHealthy)
    troubles.push({
      reason: 'the telephony service of this server is unhealthy',
      remedy: 'Look at the service that `services.health` checks.',
    })
  if (server.role === 'active' && server.referenceReachable === false)
    troubles.push({
      reason: 'no reference address answers this server',
      remedy: 'Check the gateway and the reference addresses in the settings.',
    })
  for (const { name, reason } of replication.notReplicated.filter(
    ({ kind }) => kind === 'reference',
  ))
    troubles.push({
      reason: `the foreign key ${name}: ${reason}`,
      remedy: 'Change `database.exclude`, then run `hot-standby migrate` on both servers.',
    })
  for (const { met, title, own, peer, remedy } of requirements)
    if (!met) troubles.push({ reason: `${title}: this server ${own}, peer ${peer}`, remedy })
  return troubles
}
