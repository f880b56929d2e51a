import type { StreamEvent } from '../api/agent-api.ts'
import type { HistoryEntry, StatusDocument } from '../api/status-document.ts'

const BEAT_MS = 1000

/** Brings the status to whoever watches: at each change, and once a second because lag and silence grow by themselves. */
export interface StatusHub {
  changed(): void
  entry(entry: HistoryEntry): void
  subscribe(listener: (event: StreamEvent) => void): () => void
  close(): void
}

/** Builds a status only while somebody watches, and once for all who do. */
export function createStatusHub(build: () => StatusDocument): StatusHub {
  const listeners = new Set<(event: StreamEvent) => void>()
  let timer: NodeJS.Timeout | null = null
  let pending = false

  const send = (event: StreamEvent): void => {
    for (const listener of [...listeners]) listener(event)
  }
  const changed = (): void => {
    if (pending || listeners.size === 0) return
    pending = true
    setImmediate(() => {
      pending = false
      if (listeners.size > 0) send({ name: 'status', data: build() })
    })
  }
  const stopWhenAlone = (): void => {
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
  return {
    changed,
    entry: (entry) => send({ name: 'history', data: entry }),
    subscribe(listener) {
      listeners.add(listener)
      timer ??= setInterval(changed, BEAT_MS).unref()
      return () => {
        listeners.delete(listener)
        stopWhenAlone()
      }
    },
    close() {
      listeners.clear()
      stopWhenAlone()
    },
  }
}
