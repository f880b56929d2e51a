import type { EventLevel, MessageTemplate, NotificationSettings } from '../core/settings.ts'
import type { NotificationChannel } from './outbox-message.ts'
import type { Identity } from '../core/facts.ts'
import type { PairData } from '../core/pair-data.ts'
import type { RequirementResult } from '../core/requirements.ts'
import type {
  UnsentChange,
  CheckReport,
  HistoryEntry,
  OperationStatus,
  StatusDocument,
} from './status-document.ts'

/**
 * The agent's API: HTTP with JSON over the unix socket. The web plugin and the CLI are its only clients; every
 * page action and every command is one call here. Errors are `WireError` with the status of the catalogue.
 * Header `x-hot-standby-actor` names who asks.
 *
 * | call | body | answer |
 * | --- | --- | --- |
 * | GET /status | | StatusDocument |
 * | GET /stream | | server-sent events: `status` (StatusDocument, at most 4 a second), `history` (HistoryEntry) |
 * | GET /events?after=ID&before=ID&limit=N&level=L&kind=K&server=S&by=NAME&since=TIME&until=TIME | | { events: HistoryEntry[] }, newest first |
 * | GET /metrics | | text for Prometheus (the one answer that is not JSON) |
 * | GET /doctor | | DoctorReport |
 * | PUT /settings | SettingsInput | { settings } — set-up and later changes, validated as a whole |
 * | POST /access-code | | AccessCodeAnswer (primary) |
 * | POST /join | JoinInput | { operation } (secondary) |
 * | POST /join/preview | JoinInput | JoinPreview — checks, nothing is changed |
 * | POST /take-over | { force?: boolean, wait?: boolean } | { operation } |
 * | GET /take-over/preview | | LossPreview — what a forced take-over here would lose |
 * | POST /switchover | SwitchoverInput | { operation } — from either server |
 * | POST /switchover/cancel | | { cancelled: true } — while it waits for calls to end |
 * | POST /drill | { wait?: boolean } | { operation } — a take-over without the switch; the report is `lastDrill` of the status |
 * | GET /unsent | | { changes: UnsentChange[] } — of both servers |
 * | POST /unsent | SettleUnsentInput | UnsentOutcome — applied again on the active, or discarded |
 * | POST /maintenance | MaintenanceInput | { maintenance } — both servers |
 * | POST /automatic | { on: boolean } | { automaticTakeOver } — both servers; `on` also ends a hold |
 * | POST /resynchronise | { wait?: boolean } | { operation } |
 * | POST /check | { repair?: boolean } | CheckReport |
 * | POST /wait | WaitInput | { reached: true } or HS_TIMEOUT |
 * | POST /notify-test | { email?, channel?: mail, webhook or syslog } | { delivered: string[] } |
 * | GET /notifications | | { deliveries }, the newest 300 |
 * | PUT /notifications/settings | NotificationsInput | { notifications } — what is told, and in which words |
 * | POST /notifications/preview | { name, template } | { subject, text, html } with sample data; nothing is saved |
 * | POST /notifications/take-mail | | { mail: PlatformMailMessage or null } — for the platform's own sender |
 * | POST /notifications/settle-mail | { id, error: string or null } | { done: true } |
 * | POST /disable | { force?: boolean } | { done: true } |
 * | POST /config-lock/turn | { process, seen } | ChangesTurn — when it is another than the one seen, or after 5 s |
 * | POST /config-lock/refused | { path, user } | { recorded: true } — the middleware tells of a refusal |
 */
export interface AgentApi {
  status(context?: CallContext): Promise<StatusDocument>
  events(
    query?: EventsQuery,
    context?: CallContext,
  ): Promise<{ readonly events: readonly HistoryEntry[] }>
  metrics(context?: CallContext): Promise<{ readonly contentType: string; readonly text: string }>
  doctor(context?: CallContext): Promise<DoctorReport>
  saveSettings(
    input: SettingsInput,
    context?: CallContext,
  ): Promise<{ readonly settings: StatusDocument['settings'] }>
  makeAccessCode(context?: CallContext): Promise<AccessCodeAnswer>
  join(input: JoinInput, context?: CallContext): Promise<{ readonly operation: OperationStatus }>
  previewJoin(input: JoinInput, context?: CallContext): Promise<JoinPreview>
  takeOver(
    input: {
      readonly force?: boolean
      readonly wait?: boolean
    },
    context?: CallContext,
  ): Promise<{ readonly operation: OperationStatus }>
  previewLoss(context?: CallContext): Promise<LossPreview>
  switchOver(
    input: SwitchoverInput,
    context?: CallContext,
  ): Promise<{ readonly operation: OperationStatus }>
  cancelSwitchover(context?: CallContext): Promise<{ readonly cancelled: true }>
  drill(
    input: { readonly wait?: boolean },
    context?: CallContext,
  ): Promise<{ readonly operation: OperationStatus }>
  unsent(context?: CallContext): Promise<{ readonly changes: readonly UnsentChange[] }>
  settleUnsent(input: SettleUnsentInput, context?: CallContext): Promise<UnsentOutcome>
  setMaintenance(
    input: MaintenanceInput,
    context?: CallContext,
  ): Promise<{ readonly maintenance: StatusDocument['maintenance'] }>
  setAutomatic(
    input: { readonly on: boolean },
    context?: CallContext,
  ): Promise<{ readonly automaticTakeOver: StatusDocument['automaticTakeOver'] }>
  resynchronise(
    input: {
      readonly wait?: boolean
    },
    context?: CallContext,
  ): Promise<{ readonly operation: OperationStatus }>
  check(input: { readonly repair?: boolean }, context?: CallContext): Promise<CheckReport>
  wait(input: WaitInput, context?: CallContext): Promise<{ readonly reached: true }>
  notifyTest(
    input: { readonly email?: string; readonly channel?: NotificationChannel },
    context?: CallContext,
  ): Promise<{ readonly delivered: readonly string[] }>
  notifications(context?: CallContext): Promise<{ readonly deliveries: readonly Delivery[] }>
  saveNotifications(
    input: NotificationsInput,
    context?: CallContext,
  ): Promise<{ readonly notifications: NotificationSettings }>
  previewNotification(input: PreviewInput, context?: CallContext): Promise<MessagePreview>
  /** For the platform's own sender: the mail that waits, the same again until it is settled. */
  takeMail(context?: CallContext): Promise<{ readonly mail: PlatformMailMessage | null }>
  settleMail(
    input: { readonly id: string; readonly error: string | null },
    context?: CallContext,
  ): Promise<{ readonly done: true }>
  disable(
    input: { readonly force?: boolean },
    context?: CallContext,
  ): Promise<{ readonly done: true }>
  /** A web process waits for what to do with changes; `seen`: it has done what that turn asks of it. */
  changesTurn(input: ChangesTurnInput, context?: CallContext): Promise<ChangesTurn>
  recordRefusal(
    input: {
      readonly path: string
      readonly user: string | null
    },
    context?: CallContext,
  ): Promise<{ readonly recorded: true }>
}

export interface ChangesTurnInput {
  /** Any name, as long as the process lives. */
  readonly process: string
  /** Number of the turn that the process knows and has acted on; 0 at first. */
  readonly seen: number
}

/** What web processes do with changes that users make. */
export interface ChangesTurn {
  readonly number: number
  /**
   * `open`: as the configuration lock says. `held`: a hand-over begins; new ones wait, those under way are answered.
   * `moved`: those that wait are sent to the virtual IP, which is about to move.
   */
  readonly changes: 'open' | 'held' | 'moved'
}

/** Who asks; the actor goes to the history. */
export interface CallContext {
  /** Platform user name or `cli`; null when the caller does not say. */
  readonly actor: string | null
}

/** What `GET /stream` sends, as server-sent events. */
export type StreamEvent =
  | { readonly name: 'status'; readonly data: StatusDocument }
  | { readonly name: 'history'; readonly data: HistoryEntry }

export interface EventsQuery {
  /** Only ids above, or below, this one. */
  readonly after?: number
  readonly before?: number
  /** 100 unless told, 10,000 at the most. */
  readonly limit?: number
  readonly level?: string
  readonly kind?: string
  /** Host name or id of the server that recorded it. That of the other server, or `peer`: its history is asked for. */
  readonly server?: string
  /** Who asked for it: a user's name or `cli`; `*`: anybody. */
  readonly by?: string
  /** ISO 8601: at this time or later, and earlier than that one. */
  readonly since?: string
  readonly until?: string
}

/** Which changes: `ids`, or `all` of them. */
export interface SettleUnsentInput {
  readonly how: 'reapply' | 'discard'
  readonly ids?: readonly string[]
  readonly all?: boolean
}

export interface UnsentOutcome {
  readonly done: readonly string[]
  /** These stay as they are, with the reason. */
  readonly conflicts: readonly { readonly id: string; readonly reason: string }[]
}

export interface SwitchoverInput {
  /** Not before `services.calls` says that no call is active. */
  readonly whenIdle?: boolean
  /** Gives up when calls are still active then; an hour when not given. */
  readonly withinMs?: number
  readonly wait?: boolean
}

/** What the administrator must know before he forces a take-over. */
export interface LossPreview {
  /** Changes of the active for this long are not here; null when there is no complete copy here. */
  readonly ageMs: number | null
  readonly rows: number | null
  /** The active answers, so nothing else is missing. */
  readonly isExact: boolean
  /** In words. */
  readonly meaning: string
  readonly blockers: StatusDocument['blockers']
}

/** From 15 minutes to a day, after which it ends by itself, or until it is ended: one of the two. */
export type MaintenanceInput =
  | {
      readonly on: true
      readonly durationMs?: number
      readonly untilEnded?: boolean
      readonly pauseSynchronisation?: boolean
    }
  | { readonly on: false }

/** Every field is a string or the JSON type; the agent validates all and answers HS_SETTINGS_INVALID with every wrong field. */
export interface SettingsInput {
  readonly server?: Readonly<Record<string, unknown>>
  readonly pair?: Readonly<Record<string, unknown>>
}

export interface AccessCodeAnswer {
  /** One-time; carries the fingerprint of this server's key. Shown once, stored hashed in memory only. */
  readonly accessCode: string
  readonly expiresAt: string
  readonly address: string
  readonly port: number
}

export interface JoinInput {
  /** `host` or `host:port` of the primary's own address. */
  readonly peer: string
  readonly accessCode: string
  /** Whose data the pair begins with; the other server's is replaced. Needed when this (secondary) server has any. */
  readonly keepDataOf?: Identity
}

/** What `join` would meet. */
export interface JoinPreview {
  readonly requirements: readonly RequirementResult[]
  readonly data: PairData
  /** Null: `join` needs an answer. */
  readonly keepDataOf: Identity | null
}

export interface WaitInput {
  readonly for: 'in-sync' | 'active' | 'standby'
  readonly timeoutMs: number
  /** With `in-sync`: it is a save that waits, so an event tells when the standby does not confirm in time any more. */
  readonly isSave?: boolean
}

export interface DoctorReport {
  readonly ok: boolean
  readonly checks: readonly DoctorCheck[]
}

export interface DoctorCheck {
  readonly id: string
  readonly title: string
  readonly result: 'ok' | 'warning' | 'failed'
  readonly detail: string
  readonly remedy: string | null
}

/** Changes of the notification settings; what is not given stays. Null restores the kind's level or the standard template. */
export interface NotificationsInput {
  readonly kinds?: Readonly<Record<string, EventLevel | 'off' | null>>
  readonly templates?: Readonly<Record<string, MessageTemplate | null>>
  /** Text of a form counts as a number when it is one. */
  readonly notProtectedAfterMinutes?: number | string
  readonly behindAfterSeconds?: number | string
}

export interface PreviewInput {
  /** `default`, `summary`, or a kind of event. */
  readonly name: string
  readonly template: MessageTemplate
}

export type MessagePreview = MessageTemplate

/** A mail for the platform's own sender. */
export interface PlatformMailMessage {
  /** The same at every attempt: whoever keeps it can tell a repetition. */
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly kind: string
  readonly level: EventLevel
  readonly at: string
}

export interface Delivery {
  readonly id: string
  readonly at: string
  readonly channel: NotificationChannel
  readonly kind: string
  readonly level: EventLevel
  readonly to: string
  readonly subject: string
  /** `byPeer`: the other server delivered it, or gave it up. */
  readonly state: 'waiting' | 'delivered' | 'failed' | 'byPeer'
  readonly attempts: number
  readonly lastError: string | null
}
