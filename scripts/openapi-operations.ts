import type { Permission } from '../plugin/config/plugin-options.ts'

/** One call of the JSON API as its description has it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put'
  readonly path: string
  readonly permission: Permission
  readonly summary: string
  /** An exported type of the agent's API or of openapi-answers.ts. */
  readonly answer: string
}

/** Every call below the mount that answers JSON. A test holds them against the router. */
export const OPERATIONS: readonly Operation[] = [
  get('/api/csrf', 'The token that changes need in the header x-hot-standby-csrf.', 'TokenAnswer'),
  get('/api/status', 'Everything that is known of both servers.', 'StatusDocument'),
  get('/api/doctor', 'Checks of this server, with remedies.', 'DoctorReport'),
  get('/api/notifications', 'What was sent to whom, and what waits.', 'NotificationsAnswer'),
  get('/api/events', 'The history, newest first.', 'EventsAnswer'),
  put(
    '/api/settings',
    'Sets this server up, and changes its settings and the pair’s.',
    'SettingsAnswer',
  ),
  put(
    '/api/notifications/settings',
    'Chooses which events are told at which level, and in which words.',
    'NotificationSettingsAnswer',
  ),
  configure(
    '/api/notifications/preview',
    'A template with sample data; saves nothing.',
    'PreviewAnswer',
  ),
  configure('/api/access-code', 'Makes a one-time access code on the primary.', 'AccessCodeAnswer'),
  configure(
    '/api/join/preview',
    'Checks the requirements of a pair and counts the data of both servers; changes nothing.',
    'JoinPreview',
  ),
  configure(
    '/api/join',
    'Pairs this secondary; the data of one of the two servers is replaced.',
    'OperationAnswer',
  ),
  configure('/api/disable', 'Dissolves the pair.', 'DoneAnswer'),
  operate('/api/take-over', 'Makes this server active.', 'OperationAnswer'),
  get('/api/take-over/preview', 'What a take-over by force would lose.', 'LossPreview'),
  operate(
    '/api/switchover',
    'Moves the active role, now or when no call is active.',
    'OperationAnswer',
  ),
  operate('/api/switchover/cancel', 'Calls off a switchover that only waits.', 'CancelledAnswer'),
  operate(
    '/api/drill',
    'Rehearses a take-over: everything but the switch. The report is `lastDrill` of the status.',
    'OperationAnswer',
  ),
  get(
    '/api/unsent',
    'Changes that had not reached the other server, of both servers.',
    'UnsentAnswer',
  ),
  operate('/api/unsent', 'Applies them again on the active, or discards them.', 'UnsentOutcome'),
  operate('/api/maintenance', 'Begins or ends maintenance mode.', 'MaintenanceAnswer'),
  operate('/api/automatic', 'Switches automatic take-over on or off.', 'AutomaticAnswer'),
  operate(
    '/api/resynchronise',
    'Copies everything afresh from the active server.',
    'OperationAnswer',
  ),
  operate(
    '/api/check',
    'Compares both servers row by row, and repairs the standby if asked.',
    'CheckReport',
  ),
  view('/api/wait', 'Waits until the pair is in sync or this server has the role.', 'WaitAnswer'),
  operate(
    '/api/notify-test',
    'Sends a test to all contacts, or to one address.',
    'DeliveredAnswer',
  ),
]

function get(path: string, summary: string, answer: string): Operation {
  return { method: 'get', path, permission: 'view', summary, answer }
}

function put(path: string, summary: string, answer: string): Operation {
  return { method: 'put', path, permission: 'configure', summary, answer }
}

function view(path: string, summary: string, answer: string): Operation {
  return { method: 'post', path, permission: 'view', summary, answer }
}

function operate(path: string, summary: string, answer: string): Operation {
  return { method: 'post', path, permission: 'operate', summary, answer }
}

function configure(path: string, summary: string, answer: string): Operation {
  return { method: 'post', path, permission: 'configure', summary, answer }
}
