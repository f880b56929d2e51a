import { setTimeout as delay } from 'node:timers/promises'
import type { AgentApi } from '../api/agent-api.ts'
import type { OperationStatus } from '../api/status-document.ts'
import { HotStandbyError, fromWireError } from '../errors.ts'

const POLL_MS = 250

type Kind = OperationStatus['kind']
type Tell = (line: string) => void

/**
 * Waits for a call that answers when its operation is finished, and tells every step meanwhile. The agent goes on
 * without us: Ctrl-C ends only the watching.
 */
export async function tellStepsOf<T>(
  agent: AgentApi,
  kind: Kind,
  call: Promise<T>,
  tell: Tell,
): Promise<T> {
  let settled = false
  const noteEnd = (): void => {
    settled = true
  }
  call.then(noteEnd, noteEnd)
  const teller = createStepTeller(tell)
  while (!settled) {
    await Promise.race([delay(POLL_MS), call.catch(() => undefined)])
    // The call itself says whether it worked; a status that fails beside it is of no interest.
    const status = await agent.status().catch(() => null)
    if (status?.operation?.kind === kind) teller(status.operation)
  }
  return call
}

/** Tells the steps of an operation that runs already, until it is finished. Errors: what ended the operation. */
export async function followOperation(
  agent: AgentApi,
  started: OperationStatus,
  tell: Tell,
): Promise<OperationStatus> {
  const teller = createStepTeller(tell)
  let latest = started
  for (;;) {
    teller(latest)
    if (latest.outcome === 'done') return latest
    if (latest.outcome === 'failed') throw failure(latest)
    await delay(POLL_MS)
    const { operation } = await agent.status()
    if (operation?.id !== started.id)
      throw failure({ ...latest, reason: 'another operation has taken its place' })
    latest = operation
  }
}

/** Tells each step once. */
function createStepTeller(tell: Tell): (operation: OperationStatus) => void {
  let told = 0
  return (operation) => {
    for (const step of operation.steps.slice(told)) tell(`  ${step.text}`)
    told = operation.steps.length
  }
}

function failure(operation: OperationStatus): HotStandbyError {
  if (operation.error) return fromWireError(operation.error)
  return new HotStandbyError('HS_WRONG_STATE', {
    reason: operation.reason ?? 'it was not finished',
  })
}
