import type { StatusDocument } from '../../api/status-document.ts'
import { ERRORS, type HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { operationOf } from './operation-model.ts'

/** The take-over page, for a server in any state. */
export function takeOverModel(
  status: StatusDocument,
  error: HotStandbyError | null,
  language: Language,
): object {
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
    loss: lossModel(status, language),
    steps: whatHappens(status, language),
    operation: operationOf(operation, language, 'takeOver'),
    problems: problemsByName(error),
    error: error === null ? null : errorModel(error),
  }
}

/** What would not be on this server, in words and with the worst first. */
function lossModel(status: StatusDocument, { t, ago, bytes, count, duration }: Language): object {
  const { replication, peer, at } = status
  const { lag, phase, inSync } = replication
  if (phase === 'copying') return loss('bad', t('loss.copying'))
  if (peer?.heard !== true) {
    const heard = peer?.lastHeardAt ?? null
    return loss(
      'warning',
      [
        heard === null ? t('loss.silent') : t('loss.silentSince', { ago: ago(heard, at) }),
        ...(lag === null ? [] : [t('loss.behindThen', { lag: duration(lag.ageMs) })]),
      ].join(' '),
    )
  }
  const quarantined = replication.tables.filter((table) => table.state === 'quarantined')
  if (quarantined.length > 0) {
    const tables = quarantined.map((table) => table.name).join(', ')
    return loss('bad', t('loss.quarantined', { tables }))
  }
  if (inSync && (lag === null || lag.rows === 0)) return loss('good', t('loss.nothing'))
  if (lag === null) return loss('bad', t('loss.unknown'))
  const behind = {
    lag: duration(lag.ageMs),
    rows: lag.rows,
    shown: count(lag.rows),
    bytes: bytes(lag.bytes),
  }
  return loss(inSync ? 'good' : 'warning', t('loss.behind', behind))
}

function loss(tone: string, text: string): object {
  return { tone, text }
}

function whatHappens(
  { virtualIp, peer, settings }: StatusDocument,
  { t }: Language,
): readonly string[] {
  const values = {
    here: settings.server?.hostName ?? t('servers.thisServer'),
    there: peer?.facts?.hostName ?? t('servers.peer'),
    address: virtualIp?.address ?? t('virtualIp.title'),
  }
  return ['lock', 'apply', 'letGo', 'become', 'rollBack'].map((step) =>
    t(`takeOver.step.${step}`, values),
  )
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
