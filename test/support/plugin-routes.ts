import type supertest from 'supertest'
import type { WebPlatform } from './web-platform.ts'

export const BASE = '/system/hot-standby'
export const PAGES = [
  '',
  'set-up',
  'take-over',
  'unsent',
  'maintenance',
  'synchronisation',
  'history',
  'notifications',
]
export const READS = ['status', 'doctor', 'events', 'notifications', 'csrf']

export const TIMES = { notProtectedAfterMinutes: '5', behindAfterSeconds: '60' }
export const TEMPLATE = {
  template: 'default',
  action: 'save',
  subject: '{{title}}',
  text: 'x',
  html: '',
}

/** Each change: as which role it first works, and what the agent is then asked. */
export const CHANGES = [
  ['take-over', { confirm: 'yes' }, 'operator', 'takeOver'],
  ['take-over', { confirm: 'yes', when: 'idle', withinMinutes: '5' }, 'operator', 'switchOver'],
  ['take-over/cancel', {}, 'operator', 'cancelSwitchover'],
  ['unsent', { action: 'discardAll', confirm: 'yes' }, 'operator', 'settleUnsent'],
  ['api/unsent', { how: 'discard', all: true }, 'operator', 'settleUnsent'],
  ['maintenance', { durationMs: '900000' }, 'operator', 'setMaintenance'],
  ['maintenance/end', {}, 'operator', 'setMaintenance'],
  ['maintenance/automatic', { on: 'no' }, 'operator', 'setAutomatic'],
  ['take-over/drill', {}, 'operator', 'drill'],
  ['synchronisation/check', {}, 'operator', 'check'],
  ['synchronisation/repair', {}, 'operator', 'check'],
  ['synchronisation/resynchronise', { typed: 'resynchronise' }, 'operator', 'resynchronise'],
  ['notifications/test', { email: 'ann@example.com' }, 'operator', 'notifyTest'],
  ['notifications/contacts', {}, 'admin', 'saveSettings'],
  ['notifications/events', TIMES, 'admin', 'saveSettings'],
  ['notifications/template', TEMPLATE, 'admin', 'saveSettings'],
  ['set-up', {}, 'admin', 'saveSettings'],
  ['set-up/access-code', {}, 'admin', 'makeAccessCode'],
  ['set-up/preview', { peer: '192.0.2.1', accessCode: 'code' }, 'admin', 'previewJoin'],
  [
    'set-up/join',
    { peer: '192.0.2.1', accessCode: 'code', keepDataOf: 'primary' },
    'admin',
    'join',
  ],
  ['set-up/disable', { typed: 'disable' }, 'admin', 'disable'],
  ['api/take-over', {}, 'operator', 'takeOver'],
  ['api/switchover', { whenIdle: true }, 'operator', 'switchOver'],
  ['api/switchover/cancel', {}, 'operator', 'cancelSwitchover'],
  ['api/maintenance', { on: false }, 'operator', 'setMaintenance'],
  ['api/automatic', { on: true }, 'operator', 'setAutomatic'],
  ['api/resynchronise', {}, 'operator', 'resynchronise'],
  ['api/check', {}, 'operator', 'check'],
  ['api/notify-test', {}, 'operator', 'notifyTest'],
  ['api/wait', { for: 'active', timeoutMs: 10 }, 'viewer', 'wait'],
  ['api/access-code', {}, 'admin', 'makeAccessCode'],
  ['api/join', { peer: 'a', accessCode: 'b' }, 'admin', 'join'],
  ['api/join/preview', { peer: 'a', accessCode: 'b' }, 'admin', 'previewJoin'],
  ['api/disable', {}, 'admin', 'disable'],
] as const
export const RANK = { viewer: 0, operator: 1, admin: 2 } as const
export type Role = keyof typeof RANK

/** Logged-in clients of each role, with their CSRF tokens. */
export interface RoleClients {
  readonly client: (role: Role) => supertest.Agent
  readonly token: (role: Role) => string
  /** Posts a form, or JSON below `api/`, with the token of the role. */
  readonly send: (role: Role, path: string, body: object) => supertest.Test
}

/** Logs every role in before the tests of the present `describe`. */
export function useRoleClients(web: () => WebPlatform): RoleClients {
  const clients = new Map<Role, supertest.Agent>()
  const tokens = new Map<Role, string>()
  before(async () => {
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const client = await web().logIn(role)
      clients.set(role, client)
      const answer = await client.get(`${BASE}/api/csrf`).expect(200)
      tokens.set(role, (answer.body as { token: string }).token)
    }
  })
  const client = (role: Role) => clients.get(role)!
  const token = (role: Role) => tokens.get(role)!
  return {
    client,
    token,
    send(role, path, body) {
      const request = client(role).post(`${BASE}/${path}`).set('x-hot-standby-csrf', token(role))
      return path.startsWith('api/') ? request.send(body) : request.type('form').send(body)
    },
  }
}
