import type { NotificationsInput } from '../api/agent-api.ts'
import { mergeNotifications } from '../config/notification-fields.ts'
import type { NotificationSettings } from '../core/settings.ts'
import { HotStandbyError } from '../errors.ts'
import { notificationsOf } from './mail-policy.ts'
import type { NodeContext } from './node-context.ts'
import { saveSettings } from './save-settings.ts'

/** Changes what is given of the notification settings; null restores the default. Errors: as `saveSettings`. */
export async function saveNotifications(
  node: NodeContext,
  input: NotificationsInput,
  actor: string | null,
): Promise<{ readonly notifications: NotificationSettings }> {
  if (node.settings.current().pair === null) throw new HotStandbyError('HS_NOT_SET_UP')
  const notifications = mergeNotifications(notificationsOf(node.settings), input)
  await saveSettings(node, { pair: { notifications } }, actor)
  return { notifications: notificationsOf(node.settings) }
}
