import type { StatusDocument } from '../../api/status-document.ts'
import { shortestDeadTimeMs } from '../../core/timing.ts'
import type { RequirementResult } from '../../core/requirements.ts'
import type { Language } from '../i18n/language.ts'
import type { SetUpAnswer } from '../routes/set-up-page.ts'
import { formFromSettings } from '../settings-form.ts'
import { copyModel } from './copy-model.ts'
import { type FieldDefinition, fieldView, formError, otherProblems } from './field-view.ts'
import { operationOf } from './operation-model.ts'
import { requirementsModel } from './requirements-model.ts'
import { setUpSteps } from './set-up-steps.ts'

const SERVER_FIELDS: readonly FieldDefinition[] = [
  { name: 'server.identity', choices: ['primary', 'secondary'] },
  { name: 'server.hostName', hasHelp: true },
  { name: 'server.networkInterface', hasHelp: true },
  { name: 'server.peerAddress', hasHelp: true },
  { name: 'server.peerPort', hasHelp: true },
  { name: 'server.expectedPeerSerialNumber', hasHelp: true },
]

const PAIR_FIELDS: readonly FieldDefinition[] = [
  { name: 'pair.virtualIp.address', hasHelp: true },
  { name: 'pair.virtualIp.prefixLength', hasHelp: true },
  { name: 'pair.keepAliveIntervalMs', hasHelp: true },
  { name: 'pair.deadTimeMs', hasHelp: true },
  { name: 'pair.confirmSavesMs', hasHelp: true },
]

/** Those of several lines. */
const LIST_FIELDS: readonly FieldDefinition[] = [
  { name: 'pair.referenceAddresses', hasHelp: true },
  { name: 'pair.exclude.tables', hasHelp: true },
  { name: 'pair.exclude.columns', hasHelp: true },
]

const SWITCHES: readonly FieldDefinition[] = [
  { name: 'pair.virtualIp.gate', hasHelp: true },
  { name: 'pair.coldStartAlone', hasHelp: true },
]

const JOIN_FIELDS: readonly FieldDefinition[] = [
  { name: 'peer', hasHelp: true },
  { name: 'accessCode', hasHelp: true },
]

const KEEP_DATA_OF: FieldDefinition = {
  name: 'keepDataOf',
  choices: ['primary', 'secondary'],
  hasHelp: true,
}

/** The set-up page: what to do next stands first. */
export function setUpModel(
  status: StatusDocument,
  answer: SetUpAnswer,
  language: Language,
): object {
  const { t, moment } = language
  const identity = status.settings.server?.identity ?? null
  const isPaired = status.setUp === 'paired'
  const offers = {
    settings: true,
    accessCode: identity === 'primary' && !isPaired,
    join: identity === 'secondary' && !isPaired,
    disable: status.setUp !== 'notSetUp',
  }
  const { error, errorIn } = answer
  return {
    // Of a form that the page has no longer, since somebody else has paired meanwhile, for example.
    error: error && errorIn && !offers[errorIn] ? formError(error) : null,
    isNew: status.setUp === 'notSetUp',
    isPaired,
    steps: setUpSteps(status, language),
    requirements: isPaired ? requirementsModel(status.requirements, language) : null,
    facts: isPaired ? null : ownFacts(status, language),
    // Set-up of the pair is the active's; the standby gets it from there.
    isReadOnly: isPaired && status.server.role !== 'active',
    settings: settingsForm(status, answer, language),
    accessCode: {
      isOffered: offers.accessCode,
      answer: answer.accessCode && {
        ...answer.accessCode,
        expires: moment(answer.accessCode.expiresAt)?.text,
      },
      error: errorOf(answer, 'accessCode'),
    },
    join: {
      isOffered: offers.join,
      ...joinForm(status, answer, language),
    },
    operation: operationOf(status.operation, language, 'join', 'resynchronise'),
    copy:
      status.replication.initialCopy === null
        ? null
        : copyModel(status.replication.initialCopy, language),
    disable: {
      isOffered: offers.disable,
      typed: fieldView(
        { name: 'typed', label: t('field.typed.label', { word: 'disable' }) },
        {},
        problemsOf(answer, 'disable'),
        language,
      ),
      error: errorOf(answer, 'disable'),
    },
  }
}

/** What the other server will compare with its own. */
function ownFacts({ server }: StatusDocument, { t, bytes }: Language): object | null {
  const { facts } = server
  if (facts === null) return null
  const { network } = facts
  const { address, family, interfaceName, kind, prefixLength } = network
  return [
    ['product', facts.productName],
    ['firmware', facts.firmwareVersion],
    ['plan', facts.plan],
    ['serialNumber', facts.serialNumber],
    ['address', `${address}/${prefixLength} (${t(`fact.static.${String(network.isStatic)}`)})`],
    ['interface', `${interfaceName} (${t(`fact.default.${String(network.isDefault)}`)}, ${kind})`],
    ['family', family === 'ipv4' ? 'IPv4' : 'IPv6'],
    ['freeDisk', bytes(facts.freeDiskBytes)],
  ].map(([name, value]) => ({ title: t(`servers.${name}`), value }))
}

function settingsForm(status: StatusDocument, answer: SetUpAnswer, language: Language): object {
  const { t } = language
  const storedIdentity = status.settings.server?.identity
  const isSent = answer.errorIn === 'settings'
  const values = isSent ? (answer.sent ?? {}) : formFromSettings(status)
  const problems = problemsOf(answer, 'settings')
  const views = (definitions: readonly FieldDefinition[]): object[] =>
    definitions.map((definition) =>
      fieldView(withTimingLaw(definition, values, language), values, problems, language),
    )
  const [identity, ...server] = views(SERVER_FIELDS)
  const names = [...SERVER_FIELDS, ...PAIR_FIELDS, ...LIST_FIELDS, ...SWITCHES].map(
    (field) => field.name,
  )
  return {
    identity,
    // What a server was set up as does not change while it is in a pair.
    isIdentityFixed: status.setUp === 'paired',
    identityWord: storedIdentity === undefined ? null : t(`identity.${storedIdentity}`),
    server,
    pair: views(PAIR_FIELDS),
    lists: views(LIST_FIELDS),
    switches: views(SWITCHES),
    error: errorOf(answer, 'settings'),
    otherProblems: otherProblems(problems, names),
  }
}

/** The shortest dead time depends on the interval, so the field says it with its reason. */
function withTimingLaw(
  definition: FieldDefinition,
  values: Readonly<Record<string, string>>,
  { t, count }: Language,
): FieldDefinition {
  const interval = Number(values['pair.keepAliveIntervalMs'])
  if (definition.name !== 'pair.deadTimeMs' || !Number.isInteger(interval) || interval <= 0)
    return definition
  const shortest = shortestDeadTimeMs(interval, values['pair.virtualIp.gate'] === 'on')
  const law = { interval: count(interval), shortest: count(shortest) }
  return { ...definition, help: `${t('field.pair.deadTimeMs.help')} ${t('setUp.timingLaw', law)}` }
}

function joinForm(status: StatusDocument, answer: SetUpAnswer, language: Language): object {
  const problems = problemsOf(answer, 'join')
  const sent = answer.sent ?? {}
  const values = { peer: status.settings.server?.peerAddress ?? '', ...sent }
  const refused = answer.errorIn === 'join' ? answer.error?.details['requirements'] : undefined
  const data = answer.data ?? null
  const requirements = answer.requirements ?? (refused as readonly RequirementResult[] | undefined)
  return {
    fields: JOIN_FIELDS.map((field) => fieldView(field, values, problems, language)),
    keepDataOf: fieldView(KEEP_DATA_OF, values, problems, language),
    requirements: requirements && requirementsModel(requirements, language),
    data:
      data &&
      language.t('setUp.data', { primary: data.primary.rows, secondary: data.secondary.rows }),
    error: errorOf(answer, 'join'),
  }
}

function problemsOf(answer: SetUpAnswer, form: SetUpAnswer['errorIn']) {
  return answer.errorIn === form ? (answer.error?.details.fields ?? []) : []
}

function errorOf(answer: SetUpAnswer, form: SetUpAnswer['errorIn']): object | null {
  return answer.errorIn === form && answer.error !== undefined ? formError(answer.error) : null
}
