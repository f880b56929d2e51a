import type { StatusDocument } from '../../api/status-document.ts'
import { operationModel } from './operation-model.ts'
import { chart } from './chart.ts'
import { ago, bytes, count, duration, moment, percent } from './format.ts'
import { requirementsModel } from './requirements-model.ts'
import { serversModel } from './servers-model.ts'
import { HEALTH, PHASE } from './words.ts'

/** The whole status page. */
export function statusModel(status: StatusDocument): object {
  const health = HEALTH[status.health.word]
  return {
    health: { ...health, meaning: status.health.meaning, action: status.health.action },
    isSetUp: status.setUp !== 'notSetUp',
    isPaired: status.setUp === 'paired',
    isWaiting: status.setUp === 'waitingForPeer',
    isStandby: status.setUp === 'paired' && status.server.role !== 'active',
    at: moment(status.at),
    servers: serversModel(status),
    virtualIp: virtualIpModel(status),
    heartbeat: heartbeatModel(status),
    replication: replicationModel(status),
    blockers: status.blockers,
    requirements: requirementsModel(status.requirements),
    lastTakeOver: lastTakeOverModel(status),
    configLock: {
      ...status.configLock,
      isLocked: status.configLock.locked,
    },
    maintenance: status.maintenance && { until: moment(status.maintenance.until) },
    operation: operationModel(status.operation),
  }
}

function virtualIpModel({ virtualIp, server, peer }: StatusDocument): object | null {
  if (virtualIp === null) return null
  const own = server.facts?.hostName
  const holders = {
    thisServer: { text: own === undefined ? 'this server' : `this server (${own})`, tone: 'good' },
    peer: {
      text:
        peer?.facts === null || peer === null ? 'the peer' : `the peer (${peer.facts.hostName})`,
      tone: 'good',
    },
    nobody: { text: 'nobody – the PBX cannot be reached there', tone: 'bad' },
    unknown: { text: 'unknown', tone: 'warning' },
  } as const
  const { address, prefixLength, driver, leaseMs } = virtualIp
  return {
    address: `${address}/${prefixLength}`,
    holder: holders[virtualIp.holder],
    driver:
      driver === 'kernel'
        ? `on the interface, prolonged every time for ${duration(leaseMs)}`
        : 'by listening (no address is added to the interface)',
  }
}

function heartbeatModel({ heartbeat, peer, at }: StatusDocument): object | null {
  if (heartbeat === null) return null
  const { silentMs, deadTimeMs, lossPercent } = heartbeat
  const isHeard = peer?.heard === true
  return {
    state: isHeard
      ? { title: 'The peer answers', tone: 'good' }
      : { title: 'The peer does not answer', tone: 'bad' },
    lastHeard: moment(peer?.lastHeardAt ?? null),
    lastHeardAgo: ago(peer?.lastHeardAt ?? null, at),
    silent: duration(silentMs),
    roundTrip: duration(heartbeat.roundTripMs),
    loss: lossPercent === null ? '–' : `${lossPercent} %`,
    interval: duration(heartbeat.intervalMs),
    deadTime: duration(deadTimeMs),
    longestGap: duration(heartbeat.longestGapMs),
    chart: chart('Round trip of the last heartbeats', heartbeat.recentRoundTripsMs, 'unanswered'),
  }
}

function replicationModel({ replication }: StatusDocument): object {
  const { lag, lastBatch, initialCopy, journalBytes, journalCapBytes } = replication
  return {
    phase: PHASE[replication.phase],
    reason: replication.reason,
    inSync: replication.inSync,
    isOff: replication.phase === 'off',
    lag: lag && {
      age: duration(lag.ageMs),
      rows: count(lag.rows),
      bytes: bytes(lag.bytes),
      isNone: lag.rows === 0 && lag.ageMs === 0,
    },
    lastBatch: lastBatch && {
      at: moment(lastBatch.at),
      changes: count(lastBatch.changes),
      duration: duration(lastBatch.durationMs),
    },
    journal: journalBytes !== null && {
      size: bytes(journalBytes),
      cap: bytes(journalCapBytes),
      percent: percent(journalBytes, journalCapBytes),
    },
    wakeUp:
      replication.wakeUp === 'poll'
        ? 'by polling only: notifications do not arrive, changes take longer'
        : replication.wakeUp === 'notify'
          ? 'at once'
          : null,
    chart: chart('Lag of the last minutes', replication.recentLagMs, 'unknown'),
    copy: initialCopy !== null && initialCopy.finishedAt === null ? copyModel(initialCopy) : null,
  }
}

/** The progress of a copy, for this page, for set-up and for synchronisation. */
export function copyModel(copy: NonNullable<StatusDocument['replication']['initialCopy']>): object {
  const { rows, tables } = copy
  return {
    percent: percent(copy.bytes.done, copy.bytes.estimated),
    tables: `${count(tables.done)} of ${count(tables.total)} tables`,
    rows: `${count(rows.done)} of about ${count(rows.estimated)} rows`,
    bytes: `${bytes(copy.bytes.done)} of about ${bytes(copy.bytes.estimated)}`,
    remaining: copy.remainingMs === null ? null : `about ${duration(copy.remainingMs)} left`,
    table: copy.table,
    isFinished: copy.finishedAt !== null,
    started: moment(copy.startedAt),
    finished: moment(copy.finishedAt),
  }
}

function lastTakeOverModel({ lastTakeOver, server, peer }: StatusDocument): object | null {
  if (lastTakeOver === null) return null
  const name =
    lastTakeOver.activeServerId === server.id
      ? (server.facts?.hostName ?? 'this server')
      : (peer?.facts?.hostName ?? 'the peer')
  return {
    at: moment(lastTakeOver.at),
    kind:
      lastTakeOver.kind === 'failover' ? 'Failover (because of a fault)' : 'Take-over (asked for)',
    term: lastTakeOver.term,
    active: name,
    reason: lastTakeOver.reason,
    duration: duration(lastTakeOver.durationMs),
    unsent: lastTakeOver.unsentChanges === null ? 'unknown' : count(lastTakeOver.unsentChanges),
    hasUnsent: (lastTakeOver.unsentChanges ?? 0) > 0,
  }
}
