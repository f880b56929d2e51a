import { z } from 'zod'
import { HotStandbyError } from '../errors.ts'
import { toFieldProblems } from '../config/field-problems.ts'
import type { AgentApi, CallContext, JoinInput } from '../api/agent-api.ts'

/** One call of the API: how its input is read and who answers. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** What it takes, for the description of the API. */
  readonly schema: z.ZodType
  /** Checks the input (query or body), then calls. Errors: HS_REQUEST_INVALID naming every wrong field. */
  readonly call: (api: AgentApi, input: unknown, context: CallContext) => Promise<unknown>
}

const flag = z.boolean('is not true or false | Give true or false.').optional()
const count = z
  .string()
  .regex(/^\d{1,15}$/, 'is not a whole number | Give a whole number.')
  .transform(Number)
  .optional()
const word = z.string().min(1, 'is empty | Give a value, or leave it out.').max(100).optional()
const text = (what: string) =>
  z.string(`is missing | Give ${what}.`).min(1, `is empty | Give ${what}.`).max(1000)
const group = z.record(z.string(), z.unknown(), 'is not an object | Give an object of fields.')

const channel = z
  .enum(['mail', 'webhook', 'syslog'], 'is not a channel | Give mail, webhook or syslog.')
  .optional()
const template = z.strictObject(
  { subject: z.string().max(1000), text: z.string().max(20_000), html: z.string().max(50_000) },
  'is not a template | Give subject, text and html.',
)
const levelOrNull = z
  .enum(
    ['information', 'warning', 'alert', 'off'],
    'is not a level | Give information, warning, alert, off, or null for the usual one.',
  )
  .nullable()
/** A form sends numbers as text; the rules of the fields themselves are those of the settings. */
const number = z.union([z.number(), z.string().max(20)]).optional()
const notifications = z.strictObject({
  kinds: z.record(z.string(), levelOrNull).optional(),
  templates: z.record(z.string(), template.nullable()).optional(),
  notProtectedAfterMinutes: number,
  behindAfterSeconds: number,
})
const preview = z.strictObject({ name: text('the name of a template'), template })
const settleMail = z.strictObject({
  id: z.string().min(1).max(100),
  error: z.string().max(2000).nullable(),
})
const nothing = z.strictObject({})
const time = z.iso
  .datetime({
    offset: true,
    error: 'is not a time | Write it like `2026-03-01T09:00:00Z`, in ISO 8601 with its zone.',
  })
  .optional()
const events = z.strictObject({
  ...{ after: count, before: count, limit: count },
  ...{ level: word, kind: word, server: word, by: word, since: time, until: time },
})
const settings = z.strictObject({ server: group.optional(), pair: group.optional() })
const join = z.strictObject({
  peer: text("the primary's address"),
  accessCode: text('the access code of the primary'),
  keepDataOf: z
    .enum(
      ['primary', 'secondary'],
      'is no server of the pair | Give primary or secondary: the data of the other one is replaced.',
    )
    .optional(),
})
const wait = z.strictObject({
  for: z.enum(
    ['in-sync', 'active', 'standby'],
    'cannot be waited for | Give in-sync, active or standby.',
  ),
  timeoutMs: z
    .int('is not a whole number | Give milliseconds.')
    .min(0, 'is negative | Give milliseconds.')
    .max(86_400_000, 'is too long | Give a day at most.'),
  isSave: flag,
})
const switchover = z.strictObject({
  whenIdle: flag,
  withinMs: z
    .int('is not a whole number | Give milliseconds.')
    .min(1000, 'is too short | Give a second at least.')
    .max(86_400_000, 'is too long | Give a day at most.')
    .optional(),
  wait: flag,
})
const settleUnsent = z
  .strictObject({
    how: z.enum(['reapply', 'discard'], 'is not known | Give reapply or discard.'),
    ids: z
      .array(
        z.string().regex(/^[ps]\d{1,15}$/, 'is not an unsent change | Give an id of the list.'),
      )
      .min(1, 'is empty | Name a change.')
      .max(1000, 'are too many | Give 1000 at most.')
      .optional(),
    all: flag,
  })
  .refine((input) => (input.ids === undefined) === (input.all === true), {
    path: ['ids'],
    message: 'and all go not together, and one is needed | Give ids, or all.',
  })
const isOn = z.boolean('is not true or false | Give true or false.')
const SHORTEST_MAINTENANCE_MS = 15 * 60_000
const LONGEST_MAINTENANCE_MS = 24 * 3_600_000
const maintenance = z.discriminatedUnion(
  'on',
  [
    z
      .strictObject({
        on: z.literal(true),
        durationMs: z
          .int('is not a duration | Give milliseconds, from 15 minutes to 24 hours, or untilEnded.')
          .min(SHORTEST_MAINTENANCE_MS, 'is too short | Give at least 15 minutes.')
          .max(LONGEST_MAINTENANCE_MS, 'is too long | Give 24 hours at most, or untilEnded.')
          .optional(),
        untilEnded: flag,
        pauseSynchronisation: flag,
      })
      .refine((input) => (input.durationMs === undefined) === (input.untilEnded === true), {
        path: ['durationMs'],
        message: 'or untilEnded is needed, one of the two | Give how long, or untilEnded.',
      }),
    z.strictObject({ on: z.literal(false) }),
  ],
  'is not true or false | Give true or false.',
)
const turn = z.strictObject({
  process: text('a name of the process'),
  seen: z.int('is not a whole number | Give the number of the turn, or 0.').min(0),
})
const refusal = z.strictObject({
  path: z.string().max(2000),
  user: z.string().max(200).nullable(),
})

/** The table of `agent-api.ts`, in its order; `GET /stream` is apart. */
export const API_ROUTES: readonly ApiRoute[] = [
  route('GET', '/status', nothing, (api, _, context) => api.status(context)),
  route('GET', '/events', events, (api, input, context) => api.events(present(input), context)),
  route('GET', '/metrics', nothing, (api, _, context) => api.metrics(context)),
  route('GET', '/doctor', nothing, (api, _, context) => api.doctor(context)),
  route('PUT', '/settings', settings, (api, input, context) =>
    api.saveSettings(present(input), context),
  ),
  route('POST', '/access-code', nothing, (api, _, context) => api.makeAccessCode(context)),
  route('POST', '/join', join, (api, input, context) => api.join(joinInput(input), context)),
  route('POST', '/join/preview', join, (api, input, context) =>
    api.previewJoin(joinInput(input), context),
  ),
  route('POST', '/take-over', z.strictObject({ force: flag, wait: flag }), (api, input, context) =>
    api.takeOver(present(input), context),
  ),
  route('GET', '/take-over/preview', nothing, (api, _, context) => api.previewLoss(context)),
  route('POST', '/switchover', switchover, (api, input, context) =>
    api.switchOver(present(input), context),
  ),
  route('POST', '/switchover/cancel', nothing, (api, _, context) => api.cancelSwitchover(context)),
  route('POST', '/drill', z.strictObject({ wait: flag }), (api, input, context) =>
    api.drill(present(input), context),
  ),
  route('GET', '/unsent', nothing, (api, _, context) => api.unsent(context)),
  route('POST', '/unsent', settleUnsent, (api, input, context) =>
    api.settleUnsent({ ...present(input), how: input.how }, context),
  ),
  route('POST', '/maintenance', maintenance, (api, input, context) =>
    api.setMaintenance(
      input.on ? { ...input, pauseSynchronisation: input.pauseSynchronisation === true } : input,
      context,
    ),
  ),
  route('POST', '/automatic', z.strictObject({ on: isOn }), (api, input, context) =>
    api.setAutomatic(input, context),
  ),
  route('POST', '/resynchronise', z.strictObject({ wait: flag }), (api, input, context) =>
    api.resynchronise(present(input), context),
  ),
  route('POST', '/check', z.strictObject({ repair: flag }), (api, input, context) =>
    api.check(present(input), context),
  ),
  route('POST', '/wait', wait, (api, input, context) =>
    api.wait({ ...present(input), for: input.for, timeoutMs: input.timeoutMs }, context),
  ),
  route('POST', '/notify-test', z.strictObject({ email: word, channel }), (api, input, context) =>
    api.notifyTest(present(input), context),
  ),
  route('GET', '/notifications', nothing, (api, _, context) => api.notifications(context)),
  route('PUT', '/notifications/settings', notifications, (api, input, context) =>
    api.saveNotifications(present(input), context),
  ),
  route('POST', '/notifications/preview', preview, (api, input, context) =>
    api.previewNotification(input, context),
  ),
  route('POST', '/notifications/take-mail', nothing, (api, _, context) => api.takeMail(context)),
  route('POST', '/notifications/settle-mail', settleMail, (api, input, context) =>
    api.settleMail(input, context),
  ),
  route('POST', '/disable', z.strictObject({ force: flag }), (api, input, context) =>
    api.disable(present(input), context),
  ),
  route('POST', '/config-lock/turn', turn, (api, input, context) =>
    api.changesTurn(input, context),
  ),
  route('POST', '/config-lock/refused', refusal, (api, input, context) =>
    api.recordRefusal(input, context),
  ),
]

function route<Schema extends z.ZodType>(
  method: ApiRoute['method'],
  path: string,
  schema: Schema,
  call: (api: AgentApi, input: z.infer<Schema>, context: CallContext) => Promise<unknown>,
): ApiRoute {
  return {
    method,
    path,
    schema,
    call: (api, input, context) => call(api, parse(schema, input), context),
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new HotStandbyError('HS_REQUEST_INVALID', { fields: toFieldProblems(result.error, input) })
}

/** Without the key that was left out. */
function joinInput({ keepDataOf, ...input }: z.infer<typeof join>): JoinInput {
  return keepDataOf === undefined ? input : { ...input, keepDataOf }
}

type Present<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> }

/** Without the keys that were left out, so that `'force' in input` means what it says. */
function present<T extends object>(input: T): Partial<Present<T>> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Partial<Present<T>>
}
