import type {
  AccessCodeAnswer,
  AgentApi,
  Delivery,
  DoctorReport,
  JoinPreview,
  LossPreview,
  UnsentOutcome,
} from '../plugin/api/agent-api.ts'
import type {
  CheckReport,
  HistoryEntry,
  OperationStatus,
  StatusDocument,
  UnsentChange,
} from '../plugin/api/status-document.ts'
import type { MessageTemplate, NotificationSettings } from '../plugin/core/settings.ts'
import type { WireError } from '../plugin/errors.ts'

/** What each call of the JSON API answers, by a name that the schema generator finds; held against the agent's API below. */
export interface EventsAnswer {
  readonly events: readonly HistoryEntry[]
}

export interface NotificationsAnswer {
  readonly deliveries: readonly Delivery[]
}

export interface NotificationSettingsAnswer {
  readonly notifications: NotificationSettings
}

export type PreviewAnswer = MessageTemplate

export interface SettingsAnswer {
  readonly settings: StatusDocument['settings']
}

export interface OperationAnswer {
  readonly operation: OperationStatus
}

export interface CancelledAnswer {
  readonly cancelled: true
}

export interface UnsentAnswer {
  readonly changes: readonly UnsentChange[]
}

export interface MaintenanceAnswer {
  readonly maintenance: StatusDocument['maintenance']
}

export interface AutomaticAnswer {
  readonly automaticTakeOver: StatusDocument['automaticTakeOver']
}

export interface WaitAnswer {
  readonly reached: true
}

export interface DeliveredAnswer {
  readonly delivered: readonly string[]
}

export interface DoneAnswer {
  readonly done: true
}

export interface TokenAnswer {
  readonly token: string
}

/** Every answer with another status than 200. */
export interface ErrorAnswer {
  readonly error: WireError
}

type Answer<Name extends keyof AgentApi> = Awaited<ReturnType<AgentApi[Name]>>
type AllTrue<Results extends readonly true[]> = Results
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** Does not compile when an answer is not the agent's any more. */
export type AnswersAreTheAgents = AllTrue<
  [
    Same<EventsAnswer, Answer<'events'>>,
    Same<SettingsAnswer, Answer<'saveSettings'>>,
    Same<OperationAnswer, Answer<'join'>>,
    Same<OperationAnswer, Answer<'takeOver'>>,
    Same<OperationAnswer, Answer<'resynchronise'>>,
    Same<JoinPreview, Answer<'previewJoin'>>,
    Same<CheckReport, Answer<'check'>>,
    Same<StatusDocument, Answer<'status'>>,
    Same<DoctorReport, Answer<'doctor'>>,
    Same<AccessCodeAnswer, Answer<'makeAccessCode'>>,
    Same<NotificationsAnswer, Answer<'notifications'>>,
    Same<NotificationSettingsAnswer, Answer<'saveNotifications'>>,
    Same<PreviewAnswer, Answer<'previewNotification'>>,
    Same<WaitAnswer, Answer<'wait'>>,
    Same<DeliveredAnswer, Answer<'notifyTest'>>,
    Same<DoneAnswer, Answer<'disable'>>,
    Same<OperationAnswer, Answer<'switchOver'>>,
    Same<OperationAnswer, Answer<'drill'>>,
    Same<CancelledAnswer, Answer<'cancelSwitchover'>>,
    Same<LossPreview, Answer<'previewLoss'>>,
    Same<UnsentAnswer, Answer<'unsent'>>,
    Same<UnsentOutcome, Answer<'settleUnsent'>>,
    Same<MaintenanceAnswer, Answer<'setMaintenance'>>,
    Same<AutomaticAnswer, Answer<'setAutomatic'>>,
  ]
>

export type {
  AccessCodeAnswer,
  CheckReport,
  DoctorReport,
  JoinPreview,
  LossPreview,
  StatusDocument,
  UnsentOutcome,
}
