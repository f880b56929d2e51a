/** The public API; the only module that platforms import. */
export {
  createHotStandby,
  type HotStandby,
  type HotStandbyResources,
} from './create-hot-standby.ts'
export type { HotStandbyOptions, LayoutPage, Permission } from './config/plugin-options.ts'
export type { Banner, MenuEntry, ViewLocals } from './http/banner.ts'
export type { RoleChange } from '../hooks/role-change.ts'
export type { Confirmation } from '../hooks/confirmation.ts'
export type { FrozenSetting, FrozenSettings } from '../hooks/frozen-settings.ts'
export type { PlatformMigrations } from '../hooks/firmware-upgrade.ts'
export type { PlatformMailMessage } from './api/agent-api.ts'
export type { SendMail } from '../hooks/platform-mail.ts'
export type { EventNotification } from '../hooks/event-notification.ts'
export {
  ERRORS,
  HotStandbyError,
  type ErrorCode,
  type ErrorDetails,
  type FieldProblem,
} from './errors.ts'
export type { Logger } from './logger.ts'
export type { HistoryEntry, StatusDocument } from './api/status-document.ts'
