import { z } from 'zod'
import { HotStandbyError } from '../errors.ts'
import { toFieldProblems } from '../config/field-problems.ts'

/*
 * Documents between the two agents. Loose on purpose: during an upgrade the other side may be newer, and a field that we
 * do not know must survive being passed on. What we do know must have its type and bounds.
 */
const text = z.string().max(1000)
const count = z.number().min(0)
const port = z.int().min(1).max(65535)

const facts = z.looseObject({
  productName: text,
  hostName: text,
  serialNumber: text,
  plan: text,
  firmwareVersion: text,
  minimumFirmwareVersion: text,
  capacity: z.looseObject({ extensions: count, concurrentCalls: count }),
  network: z.looseObject({
    interfaceName: text,
    address: text,
    prefixLength: z.int().min(0).max(128),
    family: z.enum(['ipv4', 'ipv6']),
    isStatic: z.boolean(),
    isDefault: z.boolean(),
    kind: z.enum(['lan', 'vpn', 'other']),
  }),
  postgresVersion: z.number(),
  schemaFingerprint: text,
  freeDiskBytes: z.number().nullable(),
  clockMs: z.number().nullable(),
  packageVersion: text,
  gateProblem: z.string().max(4000).nullable().optional(),
  witness: text.nullable().optional(),
})

const serverSettings = z.looseObject({
  identity: z.enum(['primary', 'secondary']),
  hostName: text,
  networkInterface: text,
  peerAddress: text.nullable(),
  peerPort: port,
  expectedPeerSerialNumber: text.nullable(),
})

const pairSettings = z.looseObject({
  version: z.int().min(0),
  virtualIp: z.looseObject({
    address: text,
    prefixLength: z.int().min(0).max(128),
    gate: z.boolean().optional(),
  }),
  keepAliveIntervalMs: z.int().min(1),
  deadTimeMs: z.int().min(1),
  referenceAddresses: z.array(text).max(100),
  coldStartAlone: z.boolean(),
  contacts: z
    .array(
      z.looseObject({
        name: text,
        email: text,
        levels: z.array(z.enum(['information', 'warning', 'alert'])).max(3),
      }),
    )
    .max(1000),
  exclude: z
    .looseObject({ tables: z.array(text).max(1000), columns: z.array(text).max(1000) })
    .optional(),
  confirmSavesMs: count.nullable().optional(),
})

/** `PeerHello`. */
export const helloSchema = z.looseObject({
  serverId: text.min(1),
  facts,
  server: serverSettings,
  port,
  pair: pairSettings.nullable(),
})

/** `AppliedPosition`. A snapshot of a busy server lists its running transactions, hence the length. */
export const positionSchema = z.looseObject({
  sourceId: text,
  sourceTerm: z.int().min(0),
  snapshot: z.string().max(500_000),
  tickId: z.string().regex(/^\d{1,20}$/),
})

export const databaseAccessSchema = z.looseObject({
  user: text,
  password: text.nullable(),
  database: text,
})

export const handOverSchema = z.looseObject({
  requestId: text.min(1),
  newTerm: z.int().min(0),
})

export const abortSchema = z.looseObject({ requestId: text.min(1), reason: z.string().max(4000) })

export const takeOverAnswerSchema = z.looseObject({
  outcome: z.enum(['done', 'refused', 'rolledBack']),
  reason: z.string().max(4000),
})

/** A state that this version does not know is none that matters here. */
export const roleSchema = z.looseObject({ state: z.string().max(40), term: z.int().min(0) })

export const activeCallsSchema = z.looseObject({ calls: z.int().min(0) })

/** `UnsentChange`, from a server that is authenticated but may be another version. */
export const unsentSchema = z.looseObject({
  changes: z
    .array(
      z.looseObject({
        id: z.string().regex(/^\d{1,15}$/),
        schema: text,
        table: text,
        kind: z.enum(['row', 'deleted', 'wholeTable']),
        key: z.array(z.string()),
        isWinnerKnown: z.boolean(),
        winnerChanged: z.boolean().nullable(),
      }),
    )
    .max(1000),
})

export const settleUnsentSchema = z.looseObject({
  ids: z.array(z.int().min(0)).max(1000),
  how: z.enum(['reapplied', 'discarded']),
  by: text.nullable(),
})

export const resolveUnsentSchema = z.looseObject({
  how: z.enum(['reapply', 'discard']),
  ids: z.array(text).max(1000).optional(),
  all: z.boolean().optional(),
  by: text.nullable(),
})

export const unsentOutcomeSchema = z.looseObject({
  done: z.array(text),
  conflicts: z.array(z.looseObject({ id: text, reason: z.string() })),
})

export const drillSchema = z.looseObject({ by: text.nullable() })

/** `DrillReport`; only shown. */
export const drillReportSchema = z.looseObject({
  at: text,
  ok: z.boolean(),
  steps: z.array(z.looseObject({ id: text, result: text })).max(100),
})

const id = z.int().min(0).optional()

/** `EventsQuery`. */
export const eventsQuerySchema = z.looseObject({
  ...{ after: id, before: id, limit: id },
  level: text.optional(),
  kind: text.optional(),
  server: text.optional(),
  by: text.optional(),
  since: text.optional(),
  until: text.optional(),
})

/** `HistoryEntry` of a server that may be another version: a kind that we do not know is shown as it is. */
export const eventsSchema = z.looseObject({
  events: z.array(
    z.looseObject({
      id: z.int().min(0),
      at: text,
      serverId: text,
      hostName: text,
      kind: text,
      level: z.enum(['information', 'warning', 'alert']),
      title: z.string(),
      reason: z.string(),
      meaning: z.string(),
      advice: z.string(),
      data: z.record(z.string(), z.unknown()),
      actor: text.nullable(),
    }),
  ),
})

export const checkOptionsSchema = z.looseObject({ repair: z.boolean() })

/** `CheckReport`; only shown. */
export const checkReportSchema = z.looseObject({ at: text, differences: z.array(z.unknown()) })

/** `StatusDocument`; only shown, so that a newer peer's document is no error. */
export const statusSchema = z.looseObject({ at: text, setUp: text, health: z.looseObject({}) })

/** `OutboxShare`; the messages are checked one by one where they are used, so that one cannot keep the others back. */
export const outboxShareSchema = z.looseObject({
  waiting: z.array(z.looseObject({ id: text })).max(100),
  settled: z.array(text).max(1000),
})

export const nothingSchema = z.looseObject({})

/** `DataSummary`. */
const dataSummary = z.looseObject({
  tables: count,
  rows: count,
  isExact: z.boolean(),
  lastActiveAt: text.nullable(),
})
const keepDataOf = z.enum(['primary', 'secondary']).nullable()

export const pairRequestSchema = z.looseObject({
  proof: z.string().regex(/^[0-9a-f]{64}$/),
  hello: helloSchema,
  preview: z.boolean(),
  data: dataSummary,
  keepDataOf,
})

export const pairAnswerSchema = z.looseObject({
  hello: helloSchema,
  requirements: z
    .array(
      z.looseObject({
        id: text,
        title: text,
        met: z.boolean(),
        mandatory: z.boolean(),
        own: text,
        peer: text,
        remedy: text,
      }),
    )
    .max(100),
  data: z.looseObject({ primary: dataSummary, secondary: dataSummary }),
  keepDataOf,
  pairKey: z
    .base64()
    .refine((key) => Buffer.from(key, 'base64').length === 32)
    .nullable(),
})

/** What the peer sent, checked. Errors: HS_REQUEST_INVALID naming every wrong field; secrets are not repeated. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the schema is looser than the type
export function checkedDocument<T>(schema: z.ZodType, document: unknown): T {
  const result = schema.safeParse(document)
  if (result.success) return result.data as T
  const fields = toFieldProblems(result.error, document).slice(0, 20)
  throw new HotStandbyError('HS_REQUEST_INVALID', { fields })
}
