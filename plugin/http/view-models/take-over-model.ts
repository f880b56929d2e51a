import type { StatusDocument } from '../../api/status-document.ts'
import { ERRORS, type HotStandbyError } from '../../errors.ts'
import { ago, bytes, count, duration } from './format.ts'
import { operationOf } from './operation-model.ts'

/** The take-over page, for a server in any state. */
export function takeOverModel(status: StatusDocument, error: HotStandbyError | null): object {
  const { server, settings, operation, blockers } = status
  const isRunning = operation?.kind === 'takeOver' && operation.outcome === 'running'
  const isPaired = status.setUp === 'paired'
  return {
    isPaired,
    isActive: isPaired && server.role === 'active',
    canAsk: isPaired && server.role !== 'active' && !isRunning,
    isRunning,
    hostName: settings.server?.hostName ?? '',
    blockers,
    isBlocked: blockers.length > 0,
    loss: lossModel(status),
    steps: whatHappens(status),
    operation: operationOf(operation, 'takeOver'),
    problems: problemsByName(error),
    error: error === null ? null : errorModel(error),
  }
}

/** What would not be on this server, in words and with the worst first. */
function lossModel({ replication, peer, at }: StatusDocument): object {
  const { lag, phase, inSync } = replication
  if (phase === 'copying')
    return loss('bad', 'The copy is not complete: this server does not have all data yet.')
  if (peer?.heard !== true) {
    const since = peer?.lastHeardAt ? ` (last heard ${ago(peer.lastHeardAt, at)})` : ''
    const known = lag === null ? '' : ` It was ${duration(lag.ageMs)} behind then.`
    return loss(
      'warning',
      `The other server does not answer${since}. What it changed since then is not here; ` +
        `it is kept there, and can be looked at when that server is back.${known}`,
    )
  }
  const quarantined = replication.tables.filter((table) => table.state === 'quarantined')
  if (quarantined.length > 0) {
    const names = quarantined.map((table) => table.name).join(', ')
    return loss('bad', `Changes of tables that cannot be synchronised: ${names}.`)
  }
  if (inSync && (lag === null || lag.rows === 0)) return loss('good', 'Nothing.')
  if (lag === null) return loss('bad', 'It is not known how far this server is behind.')
  return loss(
    inSync ? 'good' : 'warning',
    `This server is ${duration(lag.ageMs)} behind: ${count(lag.rows)} rows, ${bytes(lag.bytes)}. ` +
      'A take-over without force applies them first; with force they would be missing here.',
  )
}

function loss(tone: string, text: string): object {
  return { tone, text }
}

function whatHappens({ virtualIp, peer, settings }: StatusDocument): readonly string[] {
  const here = settings.server?.hostName ?? 'this server'
  const there = peer?.facts?.hostName ?? 'the other server'
  const address = virtualIp?.address ?? 'the virtual IP'
  return [
    `Configuration is locked on ${there}; what is being saved there is finished first.`,
    `${here} applies everything that ${there} has written.`,
    `${there} lets go of ${address} and becomes standby.`,
    `${here} becomes active and takes ${address}. Calls in progress may be cut; phones register again.`,
    `If any of this fails before ${there} has let go, nothing changes and ${there} stays active.`,
  ]
}

function problemsByName(error: HotStandbyError | null): object {
  const fields = error?.details.fields ?? []
  return Object.fromEntries(fields.map((field) => [field.field, field]))
}

function errorModel(error: HotStandbyError): object {
  return {
    heading: ERRORS[error.code].message,
    reason: error.code === 'HS_REQUEST_INVALID' ? null : (error.details.reason ?? null),
    remedy: error.remedy,
  }
}
