import type { AppliedPosition } from '../core/position.ts'
import { toHotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'

/** Brings what the replication tells to history, operation and peer. */
export function passOnReplication(node: NodeContext): void {
  const { engine, history, operations } = node
  engine.on('history', (entry) => history.record(entry))
  engine.on('copyProgress', ({ tables, table }) =>
    operations.step(
      `initial copy: ${tables.done} of ${tables.total} tables${table === null ? '' : `, ${table}`}`,
    ),
  )
  engine.on('applied', createAcknowledger(node))
}

/** Sends the newest applied position, one call at a time: what was applied meanwhile goes with the next one. */
function createAcknowledger({ client, logger }: NodeContext): (position: AppliedPosition) => void {
  let newest: AppliedPosition | null = null
  let sending = false
  const send = async (): Promise<void> => {
    if (sending) return
    sending = true
    while (newest !== null) {
      const position = newest
      newest = null
      await client.acknowledge(position).catch((error: unknown) => {
        logger.debug(
          { reason: toHotStandbyError(error).message },
          'an acknowledgement did not arrive',
        )
      })
    }
    sending = false
  }
  return (position) => {
    newest = position
    void send()
  }
}
