import type { StatusDocument } from '../../api/status-document.ts'
import { ERRORS, type HotStandbyError } from '../../errors.ts'
import type { RequirementResult } from '../../core/requirements.ts'
import type { SetUpAnswer } from '../routes/set-up-page.ts'
import { formFromSettings } from '../settings-form.ts'
import { type FieldDefinition, fieldView, otherProblems } from './field-view.ts'
import { moment } from './format.ts'
import { operationOf } from './operation-model.ts'
import { requirementsModel } from './requirements-model.ts'
import { copyModel } from './status-model.ts'

const SERVER_FIELDS: readonly FieldDefinition[] = [
  {
    name: 'server.identity',
    label: 'This server is the',
    choices: [
      ['primary', 'Primary server (runs the PBX now)'],
      ['secondary', 'Secondary server (waits and takes over)'],
    ],
  },
  { name: 'server.hostName', label: 'Host name', help: 'Tells the servers apart in mails.' },
  {
    name: 'server.networkInterface',
    label: 'LAN interface',
    help: 'The virtual IP is added here, for example eth0.',
  },
  {
    name: 'server.peerAddress',
    label: 'Address of the other server',
    help: 'Its own address, not the virtual IP. May stay empty on the primary until the pairing.',
  },
  { name: 'server.peerPort', label: 'Port of the other server', help: 'TCP and UDP.' },
  {
    name: 'server.expectedPeerSerialNumber',
    label: 'Serial number of the other server',
    help: 'When given, no other server may pair.',
  },
]

const PAIR_FIELDS: readonly FieldDefinition[] = [
  {
    name: 'pair.virtualIp.address',
    label: 'Virtual IP',
    help: 'A free address of the LAN. It is always on the active server.',
  },
  { name: 'pair.virtualIp.prefixLength', label: 'Prefix length', help: '24 is 255.255.255.0.' },
  {
    name: 'pair.keepAliveIntervalMs',
    label: 'Keep-alive interval (milliseconds)',
    help: 'How often the servers ask each other.',
  },
  {
    name: 'pair.deadTimeMs',
    label: 'Dead time (milliseconds)',
    help: 'Silence after which the other server counts as failed.',
  },
  {
    name: 'pair.referenceAddresses',
    label: 'Reference addresses',
    help: 'One a line, normally the gateway. They tell a dead peer from a cut cable of our own.',
  },
]

const COLD_START: FieldDefinition = {
  name: 'pair.coldStartAlone',
  label: 'A server that starts alone may become active',
  help: 'Only when its data was in sync when the servers last met.',
}

const JOIN_FIELDS: readonly FieldDefinition[] = [
  { name: 'peer', label: 'Address of the primary server', help: 'Host, or host:port.' },
  { name: 'accessCode', label: 'Access code', help: 'From the set-up page of the primary server.' },
]

const TYPED: FieldDefinition = { name: 'typed', label: 'Type disable to confirm' }

/** The set-up page: what to do next stands first. */
export function setUpModel(status: StatusDocument, answer: SetUpAnswer): object {
  const identity = status.settings.server?.identity ?? null
  const isPaired = status.setUp === 'paired'
  const isSecondary = identity === 'secondary'
  return {
    isNew: status.setUp === 'notSetUp',
    isPaired,
    // Set-up of the pair is the active's; the standby gets it from there.
    isReadOnly: isPaired && status.server.role !== 'active',
    settings: settingsForm(status, answer),
    accessCode: {
      isOffered: identity === 'primary' && !isPaired,
      answer: answer.accessCode && {
        ...answer.accessCode,
        expires: moment(answer.accessCode.expiresAt),
      },
      error: errorOf(answer, 'accessCode'),
    },
    join: {
      isOffered: isSecondary && !isPaired,
      ...joinForm(status, answer),
    },
    operation: operationOf(status.operation, 'join', 'resynchronise'),
    copy:
      status.replication.initialCopy === null ? null : copyModel(status.replication.initialCopy),
    disable: {
      isOffered: status.setUp !== 'notSetUp',
      typed: fieldView(TYPED, {}, problemsOf(answer, 'disable')),
      error: errorOf(answer, 'disable'),
    },
  }
}

function settingsForm(status: StatusDocument, answer: SetUpAnswer): object {
  const isSent = answer.errorIn === 'settings'
  const values = isSent ? (answer.sent ?? {}) : formFromSettings(status)
  const problems = problemsOf(answer, 'settings')
  const views = (definitions: readonly FieldDefinition[]): object[] =>
    definitions.map((definition) => fieldView(definition, values, problems))
  const [identity, ...server] = views(SERVER_FIELDS)
  const [virtualIp, prefixLength, keepAlive, deadTime, references] = views(PAIR_FIELDS)
  const names = [...SERVER_FIELDS, ...PAIR_FIELDS, COLD_START].map((field) => field.name)
  return {
    identity,
    // What a server was set up as does not change while it is in a pair.
    isIdentityFixed: status.setUp === 'paired',
    identityWord: status.settings.server?.identity ?? null,
    server,
    pair: [virtualIp, prefixLength, keepAlive, deadTime],
    references,
    coldStart: fieldView(COLD_START, values, problems),
    error: errorOf(answer, 'settings'),
    otherProblems: otherProblems(problems, names),
  }
}

function joinForm(status: StatusDocument, answer: SetUpAnswer): object {
  const problems = problemsOf(answer, 'join')
  const sent = answer.sent ?? {}
  const values = { peer: status.settings.server?.peerAddress ?? '', ...sent }
  const refused = answer.errorIn === 'join' ? answer.error?.details['requirements'] : undefined
  const requirements = answer.requirements ?? (refused as readonly RequirementResult[] | undefined)
  return {
    fields: JOIN_FIELDS.map((field) => fieldView(field, values, problems)),
    requirements: requirements && requirementsModel(requirements),
    error: errorOf(answer, 'join'),
  }
}

function problemsOf(answer: SetUpAnswer, form: SetUpAnswer['errorIn']) {
  return answer.errorIn === form ? (answer.error?.details.fields ?? []) : []
}

function errorOf(answer: SetUpAnswer, form: SetUpAnswer['errorIn']): object | null {
  return answer.errorIn === form && answer.error !== undefined ? formError(answer.error) : null
}

/** The head of a form whose fields are wrong or that was refused as a whole. */
export function formError(error: HotStandbyError): object {
  return {
    heading: ERRORS[error.code].message,
    reason: error.details.reason ?? null,
    remedy: error.remedy,
  }
}
