import type { StatusDocument } from '../../api/status-document.ts'
import type { Language } from '../i18n/language.ts'
import { percentOf } from '../i18n/formats.ts'
import { chart } from './chart.ts'
import { copyModel } from './copy-model.ts'
import { drillModel } from './drill-model.ts'
import { remainingText } from './maintenance-model.ts'
import { operationModel } from './operation-model.ts'
import { requirementsModel } from './requirements-model.ts'
import { serversModel } from './servers-model.ts'
import { healthPill, phasePill, type Pill } from './words.ts'

/** The whole status page. */
export function statusModel(status: StatusDocument, language: Language): object {
  const { meaning, action, word } = status.health
  const { t, moment } = language
  return {
    health: { ...healthPill(word, language), meaning, action },
    isSetUp: status.setUp !== 'notSetUp',
    isPaired: status.setUp === 'paired',
    isWaiting: status.setUp === 'waitingForPeer',
    isStandby: status.setUp === 'paired' && status.server.role !== 'active',
    at: moment(status.at),
    unsent: status.unsentChanges > 0 ? t('unsent.waiting', { count: status.unsentChanges }) : null,
    serves: servesModel(status, language),
    servers: serversModel(status, language),
    virtualIp: virtualIpModel(status, language),
    heartbeat: heartbeatModel(status, language),
    replication: replicationModel(status, language),
    blockers: status.blockers,
    requirements: requirementsModel(status.requirements, language),
    lastTakeOver: lastTakeOverModel(status, language),
    drill: drillModel(status, language),
    configLock: {
      ...status.configLock,
      isLocked: status.configLock.locked,
    },
    maintenance: status.maintenance && remainingText(status.maintenance, language),
    automatic:
      status.setUp !== 'paired' || status.automaticTakeOver.state === 'on'
        ? null
        : t(`automatic.${status.automaticTakeOver.state}Text`),
    witness: status.witness === null ? null : t(`witness.${status.witness}`),
    operation: operationModel(status.operation, language),
  }
}

/** Who serves the PBX now, in a line: the first question of whoever is woken up. */
function servesModel(status: StatusDocument, { t }: Language): string | null {
  const { virtualIp, server, peer } = status
  if (virtualIp === null) return null
  const name = virtualIp.holder === 'thisServer' ? server.facts?.hostName : peer?.facts?.hostName
  const values = {
    name: name ?? t(virtualIp.holder === 'peer' ? 'servers.peer' : 'servers.thisServer'),
    address: virtualIp.address,
  }
  return t(`serves.${virtualIp.holder}`, values)
}

function virtualIpModel(status: StatusDocument, { t, duration }: Language): object | null {
  const { virtualIp, server, peer } = status
  if (virtualIp === null) return null
  const own = server.facts?.hostName
  const other = peer?.facts?.hostName
  const holders: Readonly<Record<typeof virtualIp.holder, Pill>> = {
    thisServer: {
      title: own === undefined ? t('virtualIp.here') : t('virtualIp.hereNamed', { name: own }),
      tone: 'good',
    },
    peer: {
      title:
        other === undefined ? t('virtualIp.there') : t('virtualIp.thereNamed', { name: other }),
      tone: 'good',
    },
    nobody: { title: t('virtualIp.nobody'), tone: 'bad' },
    unknown: { title: t('virtualIp.unknown'), tone: 'warning' },
  }
  const { address, prefixLength, driver, gate, leaseMs } = virtualIp
  return {
    address: `${address}/${prefixLength}`,
    holder: holders[virtualIp.holder],
    driver: t(`virtualIp.driver.${gate === true ? 'gate' : driver}`, { lease: duration(leaseMs) }),
  }
}

function heartbeatModel(status: StatusDocument, language: Language): object | null {
  const { heartbeat, peer, at } = status
  const { t, ago, duration, moment, percent } = language
  if (heartbeat === null) return null
  const { silentMs, deadTimeMs, lossPercent, recentRoundTripsMs } = heartbeat
  const isHeard = peer?.heard === true
  return {
    state: isHeard
      ? { title: t('heartbeat.answers'), tone: 'good' }
      : { title: t('heartbeat.silent'), tone: 'bad' },
    lastHeard: moment(peer?.lastHeardAt ?? null),
    lastHeardAgo: ago(peer?.lastHeardAt ?? null, at),
    silent: duration(silentMs),
    roundTrip: duration(heartbeat.roundTripMs),
    loss: lossPercent === null ? '–' : percent(lossPercent),
    interval: duration(heartbeat.intervalMs),
    deadTime: duration(deadTimeMs),
    longestGap: duration(heartbeat.longestGapMs),
    chart: chart(t('heartbeat.chart'), recentRoundTripsMs, t('heartbeat.missing'), language),
  }
}

function replicationModel({ replication }: StatusDocument, language: Language): object {
  const { lag, lastBatch, initialCopy, journalBytes, journalCapBytes } = replication
  const { t, bytes, count, duration, moment } = language
  return {
    phase: phasePill(replication.phase, language),
    reason: replication.reason,
    inSync: replication.inSync,
    isOff: replication.phase === 'off',
    lag: lag && {
      age: duration(lag.ageMs),
      rows: lag.rows,
      bytes: bytes(lag.bytes),
      isNone: lag.rows === 0 && lag.ageMs === 0,
    },
    lastBatch: lastBatch && {
      at: moment(lastBatch.at)?.text,
      changes: lastBatch.changes,
      duration: duration(lastBatch.durationMs),
    },
    journal: journalBytes !== null && {
      size: bytes(journalBytes),
      cap: bytes(journalCapBytes),
      percent: percentOf(journalBytes, journalCapBytes),
    },
    wakeUp: replication.wakeUp === null ? null : t(`replication.wakeUp.${replication.wakeUp}`),
    rows: lag === null ? null : count(lag.rows),
    chart: chart(
      t('replication.chart'),
      replication.recentLagMs,
      t('replication.missing'),
      language,
    ),
    copy:
      initialCopy !== null && initialCopy.finishedAt === null
        ? copyModel(initialCopy, language)
        : null,
  }
}

function lastTakeOverModel(status: StatusDocument, language: Language): object | null {
  const { lastTakeOver, server, peer, at } = status
  const { t, ago, count, duration, moment } = language
  if (lastTakeOver === null) return null
  const name =
    lastTakeOver.activeServerId === server.id
      ? (server.facts?.hostName ?? t('servers.thisServer'))
      : (peer?.facts?.hostName ?? t('servers.peer'))
  const { unsentChanges } = lastTakeOver
  return {
    at: moment(lastTakeOver.at),
    ago: ago(lastTakeOver.at, at),
    kind: t(`lastTakeOver.kind.${lastTakeOver.kind}`),
    term: lastTakeOver.term,
    active: name,
    reason: lastTakeOver.reason,
    duration: duration(lastTakeOver.durationMs),
    unsent: unsentChanges === null ? t('lastTakeOver.unknown') : count(unsentChanges),
    hasUnsent: (unsentChanges ?? 0) > 0,
  }
}
