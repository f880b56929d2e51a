import { setTimeout as pause } from 'node:timers/promises'
import type { WaitInput } from '../api/agent-api.ts'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'

/**
 * Resolves when it is so. `in-sync`: everything committed on the active before the call is applied on the standby;
 * from either server. Errors: HS_TIMEOUT, HS_NOT_PAIRED, HS_PEER_UNTRUSTED.
 */
export async function waitFor(node: NodeContext, input: WaitInput): Promise<void> {
  if (node.peer.record() === null) throw new HotStandbyError('HS_NOT_PAIRED')
  if (input.for === 'in-sync') return waitInSync(node, input.timeoutMs)
  return waitForRole(node, input.for, input.timeoutMs)
}

/** Until there is an active server to ask: a pair that was just made, or that takes over now, has none for a moment. */
async function waitInSync(node: NodeContext, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const left = (): number => Math.max(0, deadline - performance.now())
  for (;;) {
    try {
      if (node.loop.view().state.name === 'active') {
        const position = await node.engine.currentPosition()
        await node.acknowledged.reaches(position, left())
        return
      }
      const position = await node.client.currentPosition()
      await node.engine.applyUpTo(position, left())
      await decidedSo(node, left())
      return
    } catch (thrown) {
      const error = toHotStandbyError(thrown)
      if (!PASSING.has(error.code)) throw error
      if (left() < RETRY_MS) throw new HotStandbyError('HS_TIMEOUT', { reason: error.message })
    }
    await pause(RETRY_MS)
  }
}

/** The decision core hears of it up to a second later: a take-over asked for next must not be refused for that. */
async function decidedSo(node: NodeContext, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const { databaseUp, dataInSync } = node.loop.view().state.shared.own
    if (databaseUp && dataInSync) return
    if (performance.now() >= deadline)
      throw new HotStandbyError('HS_TIMEOUT', { reason: node.engine.status().reason })
    await pause(RETRY_MS / 4)
  }
}

const RETRY_MS = 200
const PASSING: ReadonlySet<string> = new Set(['HS_WRONG_STATE', 'HS_PEER_UNREACHABLE'])

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
