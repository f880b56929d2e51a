import type { HistoryEntry } from '../plugin/api/status-document.ts'
import { EVENT_KINDS } from '../plugin/core/event-kinds.ts'

/** What a platform's own sender (SMS, chat, its mail) is given for each event that contacts are told about. */
export interface EventNotification {
  readonly subject: string
  readonly text: string
  readonly entry: HistoryEntry
}

/** After a reconnection the agent may tell the last entries again. */
export function eachOnce(callback: (entry: HistoryEntry) => void): (entry: HistoryEntry) => void {
  let newest = 0
  return (entry) => {
    if (entry.id <= newest) return
    newest = entry.id
    callback(entry)
  }
}

/** Makes a listener of history entries that calls back for those that somebody should be told about, each once. */
export function watchNotifications(
  callback: (notification: EventNotification) => void,
): (entry: HistoryEntry) => void {
  return eachOnce((entry) => {
    if (!isToldToContacts(entry)) return
    callback({
      subject: `[${entry.hostName}] ${entry.title}`,
      text: `${entry.title}\n\n${entry.reason}\n\n${entry.meaning}\n\n${entry.advice}\n\n${entry.hostName}, ${entry.at}\n`,
      entry,
    })
  })
}

/** An agent of a newer version may know kinds that this one does not. */
function isToldToContacts({ kind }: HistoryEntry): boolean {
  return Object.hasOwn(EVENT_KINDS, kind) && EVENT_KINDS[kind].notify
}
