import type { AgentApi, ChangesTurn, ChangesTurnInput, StreamEvent } from '../api/agent-api.ts'
import { createAgentClient } from '../api/agent-client.ts'
import type { HistoryEntry, StatusDocument } from '../api/status-document.ts'

/** The agent of this server, as the web side needs it. */
export interface AgentPort {
  /** The agent's calls in the name of this user. Errors: HS_AGENT_UNREACHABLE, and what the agent answers. */
  as(actor: string | null): AgentApi
  /** Waits for what to do with changes, until the signal aborts. Errors: HS_AGENT_UNREACHABLE. */
  readonly nextTurn: (input: ChangesTurnInput, signal: AbortSignal) => Promise<ChangesTurn>
  /** Follows the agent's events until the signal aborts or the connection ends; never throws. */
  follow(handlers: StreamHandlers, signal: AbortSignal): Promise<void>
}

export interface StreamHandlers {
  readonly status: (status: StatusDocument) => void
  readonly history: (entry: HistoryEntry) => void
}

/** The agent behind its unix socket. */
export function createAgentPort(socketPath: string, timeoutMs: number): AgentPort {
  const client = createAgentClient(socketPath, { timeoutMs })
  return {
    as: (actor) => (actor === null ? client : client.as(actor)),
    nextTurn: (input, signal) =>
      createAgentClient(socketPath, { timeoutMs, signal }).changesTurn(input),
    follow: (handlers, signal) =>
      new Promise((resolve) => {
        const onEvent = (event: StreamEvent): void => {
          if (event.name === 'status') handlers.status(event.data)
          else handlers.history(event.data)
        }
        const close = (): void => stream.close()
        const stream = client.stream(onEvent, () => {
          signal.removeEventListener('abort', close)
          resolve()
        })
        if (signal.aborted) close()
        else signal.addEventListener('abort', close, { once: true })
      }),
  }
}
