import type {
  ConfigLockStatus,
  HeartbeatStatus,
  Lag,
  PeerStatus,
  ReplicationStatus,
  ServerStatus,
  StatusDocument,
  TakeOverRecord,
  VirtualIpStatus,
  WitnessWord,
} from '../api/status-document.ts'
import type { DrillReport } from '../api/drill-report.ts'
import { holdsLease, roleOf } from '../core/report.ts'
import { judge } from './judge.ts'
import { mergeTables } from './merge-tables.ts'
import { automaticStatus, maintenanceStatus } from './modes-status.ts'
import type { NodeContext } from './node-context.ts'
import { isHeard } from './peer-heard.ts'

/** Everything that a page or command shows, from what the parts know now; asks nobody and never fails. */
export function buildStatus(node: NodeContext): StatusDocument {
  const { server, pair } = node.settings.current()
  const paired = node.peer.record() !== null
  const replication = replicationStatus(node)
  const parts = {
    setUp: setUpOf(paired, server !== null),
    server: serverStatus(node),
    peer: peerStatus(node),
    virtualIp: virtualIpStatus(node),
    heartbeat: heartbeatStatus(node),
    replication,
    requirements: node.exchange.knowledge().requirements,
    maintenance: maintenanceStatus(node),
    automaticTakeOver: automaticStatus(node),
    witness: witnessWord(node),
    ownUnsentChanges: node.engine.unsent.count(),
    unsentChanges:
      node.engine.unsent.count() + (node.exchange.knowledge().status?.ownUnsentChanges ?? 0),
  }
  const { state } = node.loop.view()
  const { report } = state.shared.peer
  const verdict = judge({
    ...parts,
    peerReport: report,
    peerStatus: node.exchange.knowledge().status,
    inSync:
      roleOf(state) === 'active' ? (report?.dataInSync ?? false) : state.shared.own.dataInSync,
    maintenance: parts.maintenance !== null,
    automatic: parts.automaticTakeOver.state,
  })
  return {
    at: new Date().toISOString(),
    ...parts,
    ...verdict,
    lastTakeOver: lastTakeOver(node),
    lastDrill: lastDrill(node),
    configLock: configLock(node),
    settings: { server, pair },
    operation: node.operations.current(),
  }
}

function witnessWord({ config, loop }: NodeContext): WitnessWord | null {
  if (config.witness === undefined) return null
  const { state } = loop.view()
  const { lost, answer } = state.shared.witness
  if (!holdsLease(state)) return 'notAsked'
  if (lost) return 'lost'
  return answer === 'granted' ? 'hasRole' : answer === 'heldByPeer' ? 'peerHasRole' : 'notAsked'
}

function setUpOf(paired: boolean, configured: boolean): StatusDocument['setUp'] {
  if (paired) return 'paired'
  return configured ? 'waitingForPeer' : 'notSetUp'
}

function serverStatus({ loop, facts, serverId, settings }: NodeContext): ServerStatus {
  const { state, reason } = loop.view()
  const { own, term } = state.shared
  return {
    id: serverId,
    identity: settings.current().server?.identity ?? null,
    role: roleOf(state),
    state: state.name,
    reason,
    since: wallTime(state.since),
    term,
    facts: facts.last(),
    databaseUp: own.databaseUp,
    serviceHealthy: own.serviceHealthy,
    diskWritable: own.diskWritable,
    referenceReachable: own.referenceReachable,
    carrierUp: own.carrierUp,
  }
}

function peerStatus({ loop, peer, exchange }: NodeContext): PeerStatus | null {
  const record = peer.record()
  if (record === null) return null
  const { heardAt, report } = loop.view().state.shared.peer
  const { facts, status } = exchange.knowledge()
  const said = status?.server ?? null
  return {
    address: record.address,
    heard: isHeard(loop.view()),
    lastHeardAt: heardAt === null ? null : wallTime(heardAt),
    identity: report?.identity ?? null,
    role: report?.role ?? null,
    state: report?.state ?? null,
    term: report?.term ?? null,
    facts,
    since: said?.since ?? null,
    databaseUp: said?.databaseUp ?? null,
    serviceHealthy: said?.serviceHealthy ?? null,
    diskWritable: said?.diskWritable ?? null,
    referenceReachable: said?.referenceReachable ?? null,
    carrierUp: said?.carrierUp ?? null,
  }
}

function virtualIpStatus({ loop, settings, virtualIp }: NodeContext): VirtualIpStatus | null {
  const { pair } = settings.current()
  if (pair === null) return null
  const view = loop.view()
  const peerServes = isHeard(view) && view.state.shared.peer.report?.role === 'active'
  const holder = holdsLease(view.state)
    ? 'thisServer'
    : peerServes
      ? 'peer'
      : isHeard(view)
        ? 'nobody'
        : 'unknown'
  return { ...pair.virtualIp, holder, driver: virtualIp.name, leaseMs: view.timing.leaseMs }
}

function heartbeatStatus({ loop, link, peer }: NodeContext): HeartbeatStatus | null {
  if (peer.record() === null) return null
  const { timing, state } = loop.view()
  const { heardAt } = state.shared.peer
  return {
    ...link.stats(),
    intervalMs: timing.intervalMs,
    deadTimeMs: timing.deadMs,
    silentMs: heardAt === null ? null : Math.max(0, Math.round(performance.now() - heardAt)),
    longestGapMs: Math.round(state.shared.longestGapMs),
  }
}

/**
 * The copy runs on the standby: as active, its progress and its last check are shown from what the standby says. How
 * far it is behind, table by table, is what the active says.
 */
function replicationStatus({ engine, exchange, loop }: NodeContext): ReplicationStatus {
  const own = engine.status()
  const peer = exchange.knowledge().status?.replication
  const role = roleOf(loop.view().state)
  if (peer === undefined) return own
  if (role === 'standby')
    return {
      ...own,
      lag: withBytes(own.lag, peer.lag),
      tables: mergeTables(own.tables, peer.tables),
    }
  if (role !== 'active') return own
  return {
    ...own,
    inSync: peer.inSync,
    initialCopy: peer.initialCopy,
    lastBatch: peer.lastBatch,
    tables: peer.tables.length > 0 ? mergeTables(peer.tables, own.tables) : own.tables,
    lastCheck: peer.lastCheck,
    reason: peer.phase === 'streaming' ? own.reason : `standby: ${peer.reason}`,
  }
}

/** What the rows take the active knows better: it has the statistics of now. */
function withBytes(own: Lag | null, active: Lag | null): Lag | null {
  return own === null || own.rows === 0 || active === null ? own : { ...own, bytes: active.bytes }
}

function lastTakeOver({ lastTakeOver: own, exchange }: NodeContext): TakeOverRecord | null {
  const mine = own.current()
  const theirs = exchange.knowledge().status?.lastTakeOver ?? null
  if (mine === null || theirs === null) return mine ?? theirs
  return theirs.term > mine.term ? theirs : mine
}

/** Of both servers: a report is kept by the standby that was rehearsed, and by the active that asked. */
function lastDrill({ lastDrill: own, exchange }: NodeContext): DrillReport | null {
  const mine = own.current()
  const theirs = exchange.knowledge().status?.lastDrill ?? null
  if (mine === null || theirs === null) return mine ?? theirs
  return theirs.at > mine.at ? theirs : mine
}

/** Configuration belongs to the active server of a pair; alone, to the only one. */
function configLock({ loop, peer, settings }: NodeContext): ConfigLockStatus {
  const { state, reason } = loop.view()
  const activeAddress = settings.current().pair?.virtualIp.address ?? null
  if (peer.record() === null || (state.name === 'active' && holdsLease(state)))
    return { locked: false, reasons: [], activeAddress }
  const role = roleOf(state)
  const reasons =
    role === 'standby'
      ? ['This server is standby: it gets its configuration from the active server.']
      : state.name === 'handingOver'
        ? ['This server hands over to the other one at this moment.']
        : [`This server is not active (${state.name}): ${reason}.`]
  return { locked: true, reasons, activeAddress }
}

/** A time of the monotonic clock as wall time. */
function wallTime(monotonicMs: number): string {
  return new Date(Date.now() - (performance.now() - monotonicMs)).toISOString()
}
