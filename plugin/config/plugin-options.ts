import type { Request, Response } from 'express'
import { z } from 'zod'
import { HotStandbyError } from '../errors.ts'
import { toFieldProblems } from './field-problems.ts'

/** view: see the pages. operate: take over, check, resynchronise. configure: set up, pair, change settings. */
export type Permission = 'view' | 'operate' | 'configure'

/** A finished page of ours, for the platform's own layout. All of it is escaped already. */
export interface LayoutPage {
  readonly title: string
  /** Style sheet and script, for the head of the page. */
  readonly headHtml: string
  readonly bodyHtml: string
}

type Authorize = (request: Request, permission: Permission) => boolean | Promise<boolean>
type Actor = (request: Request) => string | null
type Layout = (page: LayoutPage, request: Request, response: Response) => string | Promise<string>
/** One for everybody, or one for each request: the platform knows its user. */
type Locale = string | ((request: Request) => string)
type ActiveUrl = (address: string, request: Request) => string

/** What `createHotStandby` takes. Documented in `docs/reference/plugin-options.md`. */
export interface HotStandbyOptions {
  /** The agent's unix socket. */
  readonly socketPath: string
  /** The platform's own session check; without it every request is refused. */
  readonly authorize?: Authorize
  /** Who asks, for the history. */
  readonly actor?: Actor
  /** Renders our pages in the platform's layout; without it they are whole pages of their own. */
  readonly layout?: Layout
  /** Where the router is mounted; menu entry, banner and lock page link there. */
  readonly basePath?: string
  /** The address of the platform on the active server; by default the same scheme and port as the request. */
  readonly activeUrl?: ActiveUrl
  readonly colourScheme?: 'auto' | 'light' | 'dark'
  /** Language and formats of the pages, such as `de` or `en-US`; words are English or German. */
  readonly locale?: Locale
  /** In which times are shown, such as `Europe/Vienna`; by default UTC. */
  readonly timeZone?: Locale
  /** Signs the CSRF tokens. Needed only where several web processes serve the same platform. */
  readonly csrfSecret?: string
  /** `/health/…` for load balancers: open to everybody, only with the permission `view`, or not there. */
  readonly health?: 'open' | 'authorize' | 'off'
  /** How long a page waits for the agent. */
  readonly agentTimeoutMs?: number
  /** Our schema in the database, as in the agent's configuration. */
  readonly databaseSchema?: string
}

export type PluginOptions = Readonly<
  Required<
    Pick<
      HotStandbyOptions,
      'socketPath' | 'basePath' | 'colourScheme' | 'agentTimeoutMs' | 'health'
    >
  > & {
    authorize: Authorize | null
    actor: Actor
    layout: Layout | null
    activeUrl: ActiveUrl
    locale: Locale
    timeZone: Locale
    csrfSecret: string | null
    databaseSchema: string
  }
>

const WANTS_FUNCTION = 'is not a function | Give a function, or leave it out.'
function fn<T>(): z.ZodType<T> {
  return z.custom<T>((value) => typeof value === 'function', WANTS_FUNCTION)
}

function textOrFunction(isRight: (value: string) => boolean, message: string): z.ZodType<Locale> {
  return z.custom<Locale>(
    (value) => typeof value === 'function' || (typeof value === 'string' && isRight(value)),
    message,
  )
}

function isAccepted(make: () => unknown): boolean {
  try {
    make()
    return true
  } catch {
    return false
  }
}

const schema = z.strictObject({
  socketPath: z
    .string('is missing | Give the path of the agent’s unix socket.')
    .min(1, 'is empty | Give the path of the agent’s unix socket.'),
  authorize: fn<Authorize>().optional(),
  actor: fn<Actor>().optional(),
  layout: fn<Layout>().optional(),
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)+$/, 'is not a path | Write it like `/system/hot-standby`.')
    .default('/system/hot-standby'),
  activeUrl: fn<ActiveUrl>().optional(),
  colourScheme: z
    .enum(['auto', 'light', 'dark'], 'is not a scheme | Use `auto`, `light` or `dark`.')
    .default('auto'),
  health: z
    .enum(['open', 'authorize', 'off'], 'is not known | Use `open`, `authorize` or `off`.')
    .default('open'),
  locale: textOrFunction(
    (value) => isAccepted(() => Intl.getCanonicalLocales(value)),
    'is not a locale | Give a language tag such as `de`, or a function of the request.',
  ).default('en'),
  timeZone: textOrFunction(
    (value) => isAccepted(() => new Intl.DateTimeFormat('en', { timeZone: value })),
    'is not a time zone | Give a name such as `Europe/Vienna`, or a function of the request.',
  ).default('UTC'),
  csrfSecret: z.string().min(32, 'is too short | Give at least 32 random characters.').optional(),
  agentTimeoutMs: z
    .int('is not a time | Give whole milliseconds from 100 to 60000.')
    .min(100, 'is too short | Give whole milliseconds from 100 to 60000.')
    .max(60_000, 'is too long | Give whole milliseconds from 100 to 60000.')
    .default(2000),
  databaseSchema: z
    .string()
    .min(1, 'is empty | Give the name of our schema.')
    .max(63, 'is too long | PostgreSQL names have 63 bytes at most.')
    .default('hot_standby'),
})

/** Checks and completes the options. Errors: HS_CONFIG_INVALID naming every wrong field. */
export function parsePluginOptions(input: unknown): PluginOptions {
  const result = schema.safeParse(input)
  if (!result.success)
    throw new HotStandbyError('HS_CONFIG_INVALID', { fields: toFieldProblems(result.error, input) })
  const { authorize, actor, layout, activeUrl, csrfSecret, ...rest } = result.data
  return Object.freeze({
    ...rest,
    authorize: authorize ?? null,
    actor: actor ?? nobody,
    layout: layout ?? null,
    activeUrl: activeUrl ?? sameSchemeAndPort,
    csrfSecret: csrfSecret ?? null,
  })
}

function nobody(): null {
  return null
}

/** `http://pbx-1:8080/x` on the standby leads to `http://192.0.2.10:8080/` on the active. */
function sameSchemeAndPort(address: string, request: Request): string {
  const host = address.includes(':') && !/^(\[|[^:]+:\d+$)/.test(address) ? `[${address}]` : address
  const hasPort = /[^\]:]:\d+$|\]:\d+$/.test(host)
  const port = hasPort ? '' : (/:\d+$/.exec(request.get('host') ?? '')?.[0] ?? '')
  return `${request.protocol}://${host}${port}/`
}
