import type { StatusDocument } from '../plugin/api/status-document.ts'
import { toHotStandbyError } from '../plugin/errors.ts'
import type { Logger } from '../plugin/logger.ts'

/** Whether a save is on both servers. */
export interface Confirmation {
  readonly confirmed: boolean
  /** Why that is not known; null when it is confirmed. */
  readonly reason: string | null
}

export interface ConfirmationInput {
  readonly status: () => StatusDocument | null
  readonly wait: (timeoutMs: number) => Promise<unknown>
  readonly logger: Logger
}

/** The caller's save is done either way; it only wants to know, and for a bounded time. */
export function createConfirmation({ status, wait, logger }: ConfirmationInput) {
  let late = false
  return async ({ timeoutMs }: { readonly timeoutMs: number }): Promise<Confirmation> => {
    const absent = whyNobody(status())
    if (absent !== null) return { confirmed: false, reason: absent }
    const reason = await wait(timeoutMs).then(
      () => null,
      (thrown: unknown) => toHotStandbyError(thrown).message,
    )
    // Once and not for every save.
    if (reason !== null && !late) {
      logger.warn({ timeoutMs, reason }, 'saves are not confirmed by the standby')
    }
    if (reason === null && late) logger.info({}, 'saves are confirmed by the standby again')
    late = reason !== null
    return { confirmed: reason === null, reason }
  }
}

/** Nobody waits for a standby that is not there. */
function whyNobody(status: StatusDocument | null): string | null {
  if (status === null) return null
  if (status.setUp !== 'paired') return 'this server has no standby'
  return status.peer?.heard === true ? null : 'the other server does not answer'
}
