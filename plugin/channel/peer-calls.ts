import type { z } from 'zod'
import type { PeerHandler } from '../ports.ts'
import {
  abortSchema,
  activeCallsSchema,
  checkOptionsSchema,
  checkReportSchema,
  databaseAccessSchema,
  eventsQuerySchema,
  eventsSchema,
  handOverSchema,
  helloSchema,
  nothingSchema,
  outboxShareSchema,
  positionSchema,
  roleSchema,
  statusSchema,
  takeOverAnswerSchema,
  resolveUnsentSchema,
  settleUnsentSchema,
  unsentOutcomeSchema,
  drillReportSchema,
  drillSchema,
  unsentSchema,
} from './wire-schemas.ts'

export type PeerCallName = Exclude<keyof PeerHandler, 'connectDatabase'>

interface PeerCall {
  readonly path: string
  readonly input: z.ZodType
  readonly output: z.ZodType
  /** May be sent again when a kept connection turns out to be closed; the others get a connection of their own. */
  readonly repeatable: boolean
  /** Which time limit of the client applies. */
  readonly limit: 'call' | 'role' | 'handOver' | 'check'
}

/** Every call of the peer API: server and client are both made from this table. */
export const PEER_CALLS: { readonly [Name in PeerCallName]: PeerCall } = {
  hello: {
    path: '/hello',
    input: helloSchema,
    output: helloSchema,
    repeatable: true,
    limit: 'call',
  },
  acknowledge: {
    path: '/acknowledge',
    input: positionSchema,
    output: nothingSchema,
    repeatable: true,
    limit: 'call',
  },
  role: {
    path: '/role',
    input: nothingSchema,
    output: roleSchema,
    repeatable: true,
    limit: 'role',
  },
  currentPosition: {
    path: '/current-position',
    input: nothingSchema,
    output: positionSchema,
    repeatable: true,
    limit: 'call',
  },
  databaseAccess: {
    path: '/database-access',
    input: nothingSchema,
    output: databaseAccessSchema,
    repeatable: true,
    limit: 'call',
  },
  handOver: {
    path: '/hand-over',
    input: handOverSchema,
    output: positionSchema,
    repeatable: false,
    limit: 'handOver',
  },
  takeOver: {
    path: '/take-over',
    input: nothingSchema,
    output: takeOverAnswerSchema,
    repeatable: false,
    limit: 'handOver',
  },
  activeCalls: {
    path: '/active-calls',
    input: nothingSchema,
    output: activeCallsSchema,
    repeatable: true,
    limit: 'handOver',
  },
  drill: {
    path: '/drill',
    input: drillSchema,
    output: drillReportSchema,
    repeatable: false,
    limit: 'check',
  },
  unsent: {
    path: '/unsent',
    input: nothingSchema,
    output: unsentSchema,
    repeatable: true,
    limit: 'handOver',
  },
  settleUnsent: {
    path: '/unsent/settle',
    input: settleUnsentSchema,
    output: nothingSchema,
    repeatable: true,
    limit: 'call',
  },
  resolveUnsent: {
    path: '/unsent/resolve',
    input: resolveUnsentSchema,
    output: unsentOutcomeSchema,
    repeatable: false,
    limit: 'handOver',
  },
  release: {
    path: '/release',
    input: handOverSchema,
    output: nothingSchema,
    repeatable: false,
    limit: 'handOver',
  },
  abortHandOver: {
    path: '/abort-hand-over',
    input: abortSchema,
    output: nothingSchema,
    repeatable: false,
    limit: 'call',
  },
  events: {
    path: '/events',
    input: eventsQuerySchema,
    output: eventsSchema,
    repeatable: true,
    limit: 'handOver',
  },
  status: {
    path: '/status',
    input: nothingSchema,
    output: statusSchema,
    repeatable: true,
    limit: 'call',
  },
  check: {
    path: '/check',
    input: checkOptionsSchema,
    output: checkReportSchema,
    repeatable: false,
    limit: 'check',
  },
  resynchronise: {
    path: '/resynchronise',
    input: nothingSchema,
    output: nothingSchema,
    repeatable: false,
    limit: 'call',
  },
  shareOutbox: {
    path: '/share-outbox',
    input: outboxShareSchema,
    output: outboxShareSchema,
    repeatable: true,
    limit: 'call',
  },
  unpair: {
    path: '/unpair',
    input: nothingSchema,
    output: nothingSchema,
    repeatable: false,
    limit: 'call',
  },
}
