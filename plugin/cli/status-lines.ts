import type {
  MaintenanceStatus,
  PeerStatus,
  ReplicationStatus,
  StatusDocument,
} from '../api/status-document.ts'
import { formatBytes, formatMs, formatTime } from './units.ts'

const LABEL_WIDTH = 13

/** The status for a human: one aligned line a topic, the most important first. */
export function statusLines(status: StatusDocument): string[] {
  return [
    row('Health', `${status.health.word}: ${status.health.meaning}`),
    ...(status.health.action === '' ? [] : [row('', status.health.action)]),
    row('This server', thisServer(status)),
    row('', status.server.reason),
    row('Peer', peer(status)),
    row('Virtual IP', virtualIp(status)),
    row('Heartbeat', heartbeat(status)),
    ...(status.witness === null ? [] : [row('Witness', WITNESS[status.witness])]),
    row('Replication', replication(status.replication)),
    ...copy(status.replication),
    ...catchUp(status.replication),
    ...unsynchronised(status.replication),
    row('Config lock', configLock(status)),
    row('Last change', lastTakeOver(status)),
    ...(status.setUp === 'paired' ? [row('Rehearsal', rehearsal(status))] : []),
    ...modes(status),
    ...(status.unsentChanges === 0
      ? []
      : [row('Unsent', `${status.unsentChanges} changes to settle: hot-standby unsent`)]),
    ...blockers(status),
    ...operation(status),
  ]
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`
}

function thisServer({ server, setUp }: StatusDocument): string {
  const name = server.facts?.hostName ?? server.id
  const identity = server.identity ?? 'not set up'
  const paired = setUp === 'waitingForPeer' ? ', waits for its peer' : ''
  return `${name}: ${identity}${paired}, ${server.role} (${server.state}) since ${formatTime(server.since)}, term ${server.term}${faults(server)}`
}

type Condition = Pick<
  PeerStatus,
  'databaseUp' | 'serviceHealthy' | 'diskWritable' | 'referenceReachable' | 'carrierUp'
>

function faults(of: Condition): string {
  const broken = [
    of.databaseUp === false ? 'database down' : null,
    of.serviceHealthy === false ? 'telephony service unhealthy' : null,
    of.diskWritable === false ? 'disk cannot be written to' : null,
    of.referenceReachable === false ? 'no reference address answers' : null,
    of.carrierUp === false ? 'no carrier' : null,
  ].filter((part) => part !== null)
  return broken.length === 0 ? '' : ` [${broken.join(', ')}]`
}

function peer({ peer, at }: StatusDocument): string {
  if (peer === null) return 'none'
  const name = peer.facts?.hostName ?? peer.address
  const heard =
    peer.lastHeardAt === null ? 'never heard' : `last heard ${ago(at, peer.lastHeardAt)}`
  if (!peer.heard) return `${name}: DOES NOT ANSWER, ${heard}`
  const since = peer.since ? ` since ${formatTime(peer.since)}` : ''
  return `${name}: ${peer.identity ?? '?'}, ${peer.role ?? '?'} (${peer.state ?? '?'})${since}, term ${peer.term ?? '?'}, ${heard}${faults(peer)}`
}

function ago(now: string, then: string): string {
  return `${formatMs(Math.max(0, Date.parse(now) - Date.parse(then)))} ago`
}

const WITNESS = {
  hasRole: 'keeps the role for this server',
  peerHasRole: 'still keeps the role for the peer',
  lost: 'DOES NOT ANSWER: hot-standby doctor',
  notAsked: 'not asked now: only the active server asks it',
} as const

const HOLDERS = {
  thisServer: 'held by this server',
  peer: 'held by the peer',
  nobody: 'HELD BY NOBODY',
  unknown: 'holder not known',
} as const

function virtualIp({ virtualIp }: StatusDocument): string {
  if (virtualIp === null) return 'not set'
  return `${virtualIp.address}/${virtualIp.prefixLength} ${HOLDERS[virtualIp.holder]} (lease ${formatMs(virtualIp.leaseMs)}, driver ${virtualIp.driver}${virtualIp.gate === true ? ' behind the gate' : ''})`
}

function heartbeat({ heartbeat }: StatusDocument): string {
  if (heartbeat === null) return 'none'
  const { intervalMs, deadTimeMs, roundTripMs, lossPercent } = heartbeat
  const trip = roundTripMs === null ? '' : `, round trip ${roundTripMs.toFixed(1)} ms`
  const loss = lossPercent === null ? '' : `, loss ${lossPercent.toFixed(0)} %`
  return `every ${formatMs(intervalMs)}, dead time ${formatMs(deadTimeMs)}${trip}${loss}`
}

function replication(replication: ReplicationStatus): string {
  const { phase, inSync, lag, reason, wakeUp } = replication
  const sync = phase === 'off' ? '' : inSync ? ', in sync' : ', NOT in sync'
  const behind =
    lag === null || lag.rows === 0
      ? ''
      : `, lag ${formatMs(lag.ageMs)} (${lag.rows} rows, ${formatBytes(lag.bytes)})`
  const polling = wakeUp === 'poll' ? ', by polling only' : ''
  const why = reason === '' ? '' : ` - ${reason}`
  return `${phase}${sync}${behind}${polling}${why}`
}

function copy({ initialCopy }: ReplicationStatus): string[] {
  if (initialCopy === null || initialCopy.finishedAt !== null) return []
  const { tables, rows, bytes, remainingMs } = initialCopy
  const left = remainingMs === null ? '' : `, ${formatMs(remainingMs)} left`
  return [
    row(
      'Initial copy',
      `${tables.done} of ${tables.total} tables, ${rows.done} of about ${rows.estimated} rows, ${formatBytes(bytes.done)}${left}`,
    ),
  ]
}

function catchUp({ catchUp }: ReplicationStatus): string[] {
  if (catchUp === null) return []
  const { changes, remainingMs } = catchUp
  const left = remainingMs === null ? '' : `, ${formatMs(remainingMs)} left`
  return [row('Catching up', `${changes.done} of ${changes.total} changes${left}`)]
}

const SHOWN_PARTS = 30

/** What is wrong stands before what is wanted. */
function unsynchronised({ tables, notReplicated }: ReplicationStatus): string[] {
  const parts = [
    ...tables
      .filter(({ state }) => state === 'quarantined')
      .map(({ name, reason }) => `${name} CANNOT BE SYNCHRONISED: ${reason ?? 'no reason known'}`),
    ...(['impossible', 'excluded'] as const).flatMap((why) =>
      notReplicated
        .filter((part) => part.why === why)
        .map(({ name, kind, reason }) => `${kind === 'table' ? '' : `${kind} `}${name}: ${reason}`),
    ),
  ]
  const more = parts.length - SHOWN_PARTS
  return [
    ...parts.slice(0, SHOWN_PARTS),
    ...(more > 0 ? [`and ${more} more: hot-standby status --json`] : []),
  ].map((text, index) => row(index === 0 ? 'Left out' : '', text))
}

function configLock({ configLock }: StatusDocument): string {
  if (!configLock.locked) return 'open'
  const where =
    configLock.activeAddress === null ? '' : `; configure at ${configLock.activeAddress}`
  return `locked: ${configLock.reasons.join('; ')}${where}`
}

function lastTakeOver({ lastTakeOver }: StatusDocument): string {
  if (lastTakeOver === null) return 'no take-over yet'
  const kind = lastTakeOver.kind === 'failover' ? 'failover' : 'take-over'
  const took = lastTakeOver.durationMs === null ? '' : ` in ${formatMs(lastTakeOver.durationMs)}`
  return `${kind} at ${formatTime(lastTakeOver.at)}${took}, term ${lastTakeOver.term}: ${lastTakeOver.reason}`
}

function rehearsal({ lastDrill, at }: StatusDocument): string {
  if (lastDrill === null) return 'never; try it, nothing changes for users: hot-standby drill'
  const verdict = lastDrill.ok ? 'would work' : 'WOULD NOT WORK'
  return `a take-over of ${lastDrill.hostName} ${verdict}, tried ${ago(at, lastDrill.at)}`
}

function modes({ maintenance, automaticTakeOver }: StatusDocument): string[] {
  const { state, changesLastHour } = automaticTakeOver
  const rest = maintenance?.synchronisation === 'paused' ? ', synchronisation paused' : ''
  return [
    ...(maintenance === null ? [] : [row('Maintenance', `on ${left(maintenance)}${rest}`)]),
    ...(state === 'on' ? [] : [row('Automatic', AUTOMATIC[state](changesLastHour))]),
  ]
}

function left({ remainingMs }: MaintenanceStatus): string {
  return remainingMs === null ? 'until somebody ends it' : `for ${formatMs(remainingMs)} more`
}

const AUTOMATIC = {
  off: () => 'take-over is SWITCHED OFF; on again: hot-standby automatic on',
  held: (changes: number) =>
    `take-over is HELD after ${changes} changes within an hour; on again: hot-standby automatic on`,
} as const

function blockers({ blockers }: StatusDocument): string[] {
  if (blockers.length === 0) return [row('Blockers', 'none')]
  return blockers.flatMap((blocker, index) => [
    row(index === 0 ? 'Blockers' : '', blocker.reason),
    row('', `  ${blocker.remedy}`),
  ])
}

function operation({ operation }: StatusDocument): string[] {
  if (operation === null || operation.outcome !== 'running') return []
  const step = operation.steps.at(-1)?.text ?? 'begun'
  return [row('Under way', `${operation.kind}: ${step}`)]
}
