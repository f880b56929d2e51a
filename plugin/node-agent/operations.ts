import { randomUUID } from 'node:crypto'
import type { OperationStatus } from '../api/status-document.ts'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'

/** Reports one step of a running operation to whoever watches it. */
export type Step = (text: string) => void

/** What a running operation can say and hear. */
export interface OperationHandle {
  readonly step: Step
  /** Whether it only waits at this moment: then it can be called off. */
  readonly waits: (waiting: boolean) => void
  readonly signal: AbortSignal
}

export interface Operation {
  readonly id: string
  /** Rejects with the HotStandbyError that ended it; may be left alone. */
  readonly finished: Promise<void>
}

/** The one long-running thing that an administrator asked for, step by step; the last one stays to be looked at. */
export interface Operations {
  current(): OperationStatus | null
  /** Starts `run`. Errors: HS_WRONG_STATE while another operation runs. */
  start(kind: OperationStatus['kind'], run: (handle: OperationHandle) => Promise<void>): Operation
  /** Calls off an operation that only waits. Errors: HS_WRONG_STATE. */
  cancel(reason: string): void
  /** Adds a step to the running operation, if there is one. */
  step: Step
}

/** Keeps track of operations; `changed` is called at each step. */
export function createOperations(changed: () => void): Operations {
  let current: OperationStatus | null = null
  let abort = new AbortController()

  const update = (part: Partial<OperationStatus>): void => {
    if (current?.outcome !== 'running') return
    current = { ...current, ...part }
    changed()
  }
  const step: Step = (text) => {
    update({ steps: [...(current?.steps ?? []), { at: new Date().toISOString(), text }] })
  }
  const end = (outcome: 'done' | 'failed', error: HotStandbyError | null): void => {
    update({
      outcome,
      reason: error?.message ?? null,
      error: error?.toJSON() ?? null,
      finishedAt: new Date().toISOString(),
    })
  }
  const settle = async (running: Promise<void>): Promise<void> => {
    try {
      await running
      end('done', null)
    } catch (thrown) {
      // A wait that was called off rejects with an error of its own; the reason is what counts.
      const error = toHotStandbyError(abort.signal.aborted ? abort.signal.reason : thrown)
      end('failed', error)
      throw error
    }
  }

  return {
    current: () => current,
    step,
    cancel(reason) {
      if (current?.outcome !== 'running' || current.waits !== true)
        throw new HotStandbyError('HS_WRONG_STATE', {
          reason: 'nothing waits that could be called off',
        })
      abort.abort(new HotStandbyError('HS_CANCELLED', { reason }))
    },
    start(kind, run) {
      if (current?.outcome === 'running') {
        throw new HotStandbyError('HS_WRONG_STATE', {
          reason: `another operation runs: ${current.kind}`,
        })
      }
      const id = randomUUID()
      current = {
        id,
        kind,
        startedAt: new Date().toISOString(),
        finishedAt: null,
        outcome: 'running',
        steps: [],
        reason: null,
      }
      abort = new AbortController()
      changed()
      const waits = (waiting: boolean): void => update({ waits: waiting })
      const finished = settle(run({ step, waits, signal: abort.signal }))
      finished.catch(() => undefined) // The status keeps the reason; whoever waits gets the error itself.
      return { id, finished }
    },
  }
}
