import type { StatusDocument } from '../../api/status-document.ts'
import type { LossPreview } from '../../api/agent-api.ts'
import { ERRORS, type FieldProblem, type HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { drillModel } from './drill-model.ts'
import { fieldView } from './field-view.ts'
import { operationOf } from './operation-model.ts'

/** What was sent and is not right, and what a take-over by force would lose. */
export interface TakeOverAnswer {
  readonly error?: HotStandbyError | null
  readonly sent?: Readonly<Record<string, string>>
  readonly forced?: LossPreview | null
}

/** The take-over page, for a server in any state. */
export function takeOverModel(
  status: StatusDocument,
  { error = null, sent = {}, forced = null }: TakeOverAnswer,
  language: Language,
): object {
  const { server, peer, settings, operation } = status
  const { t } = language
  const isRunning =
    operation !== null &&
    ['takeOver', 'switchover'].includes(operation.kind) &&
    operation.outcome === 'running'
  const isPaired = status.setUp === 'paired'
  const isActive = isPaired && server.role === 'active'
  const here = settings.server?.hostName ?? t('servers.thisServer')
  const there = peer?.facts?.hostName ?? t('servers.peer')
  // A switch of automatic take-over is no reason against what the administrator asks for.
  const blockers = status.blockers.filter((blocker) => blocker.onlyAutomatic !== true)
  return {
    isPaired,
    isActive,
    canAsk: isPaired && !isRunning,
    canForce: isPaired && !isActive && !isRunning,
    canCancel: isRunning && operation.waits === true,
    isRunning,
    becomesActive: isActive ? there : here,
    when: whenField(sent, problemsOf(error), language),
    within: withinField(sent, problemsOf(error), language),
    forcedLoss: forced?.meaning ?? null,
    hostName: settings.server?.hostName ?? '',
    blockers,
    isBlocked: blockers.length > 0,
    loss: isActive ? plannedLoss(blockers.length, t) : lossModel(status, language),
    steps: whatHappens(status, language),
    operation: operationOf(operation, language, 'takeOver', 'switchover', 'drill'),
    drill: drillModel(status, language),
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

/** Now, or when no call is active. */
function whenField(
  sent: Readonly<Record<string, string>>,
  problems: readonly FieldProblem[],
  language: Language,
): object {
  const values = { when: 'now', ...sent }
  return fieldView({ name: 'when', choices: ['now', 'idle'] }, values, problems, language)
}

/** The agent counts in milliseconds, people wait in minutes. */
function withinField(
  sent: Readonly<Record<string, string>>,
  problems: readonly FieldProblem[],
  language: Language,
): object {
  const inMinutes = problems.map((problem) =>
    problem.field === 'withinMs' ? { ...problem, field: 'withinMinutes' } : problem,
  )
  const values = { withinMinutes: '60', ...sent }
  return fieldView({ name: 'withinMinutes', hasHelp: true }, values, inMinutes, language)
}

/** The server that lets go finishes what it has: a planned switchover loses nothing, or does not happen. */
function plannedLoss(blockers: number, t: Language['t']): object {
  return blockers === 0 ? loss('good', t('loss.nothing')) : loss('warning', t('loss.blocked'))
}

function problemsOf(error: HotStandbyError | null): readonly FieldProblem[] {
  return error?.details.fields ?? []
}

function whatHappens(
  { virtualIp, peer, server, settings }: StatusDocument,
  { t }: Language,
): readonly string[] {
  const own = settings.server?.hostName ?? t('servers.thisServer')
  const other = peer?.facts?.hostName ?? t('servers.peer')
  const isActive = server.role === 'active'
  const values = {
    here: isActive ? other : own,
    there: isActive ? own : other,
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
