import type { WaitInput } from '../api/agent-api.ts'
import { HotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'

/**
 * Resolves when it is so. `in-sync`: everything committed on the active before the call is applied on the standby;
 * from either server. Errors: HS_TIMEOUT, HS_NOT_PAIRED, HS_PEER_*.
 */
export async function waitFor(node: NodeContext, input: WaitInput): Promise<void> {
  if (node.peer.record() === null) throw new HotStandbyError('HS_NOT_PAIRED')
  if (input.for === 'in-sync') return waitInSync(node, input.timeoutMs)
  return waitForRole(node, input.for, input.timeoutMs)
}

async function waitInSync(node: NodeContext, timeoutMs: number): Promise<void> {
  const startedAt = performance.now()
  if (node.loop.view().state.name === 'active') {
    const position = await node.engine.currentPosition()
    return node.acknowledged.reaches(position, timeoutMs - (performance.now() - startedAt))
  }
  const position = await node.client.currentPosition()
  return node.engine.applyUpTo(position, timeoutMs - (performance.now() - startedAt))
}

function waitForRole(
  node: NodeContext,
  role: 'active' | 'standby',
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const isIt = (): boolean => {
      const { name } = node.loop.view().state
      return role === 'active' ? name === 'active' : name === 'standby' || name === 'suspect'
    }
    const stop = node.loop.onChange(() => {
      if (isIt()) settle(resolve)
    })
    const timer = setTimeout(() => {
      const reason = `this server is ${node.loop.view().state.name}: ${node.loop.view().reason}`
      settle(() => reject(new HotStandbyError('HS_TIMEOUT', { reason })))
    }, timeoutMs)
    const settle = (outcome: () => void): void => {
      clearTimeout(timer)
      stop()
      outcome()
    }
    if (isIt()) settle(resolve)
  })
}
