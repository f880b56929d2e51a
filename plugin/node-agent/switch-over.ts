import { setTimeout as delay } from 'node:timers/promises'
import { countActiveCalls } from '../agent/services.ts'
import type { TakeOverAnswer } from '../agent/pending-requests.ts'
import type { Blocker } from '../api/status-document.ts'
import { HotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'
import type { OperationHandle } from './operations.ts'
import { buildStatus } from './status.ts'

const CALLS_POLL_MS = 1000
const BEHIND_FOR_A_MOMENT_MS = 15_000
const DEFAULT_WITHIN_MS = 3_600_000
/** A standby that copies afresh may need long; whoever asked sees how far it is. */
const SYNCHRONISE_MS = 3_600_000
/** Just before the switch the standby catches up, so that writes wait only for the very last changes. */
const CATCH_UP_MS = 30_000

export interface SwitchOverInput {
  readonly whenIdle: boolean
  readonly withinMs?: number | undefined
  readonly actor: string | null
}

/**
 * Moves the active role to the other server, from either one. Errors: HS_TAKE_OVER_REFUSED naming every blocker,
 * HS_TAKE_OVER_FAILED when a step failed and all was taken back, HS_TIMEOUT when the calls did not end in time.
 */
export async function switchOver(
  node: NodeContext,
  { whenIdle, withinMs, actor }: SwitchOverInput,
  operation: OperationHandle,
): Promise<void> {
  operation.step(`asked for by ${actor ?? 'cli'}`)
  await refuseWhenBlocked(node, operation)
  if (whenIdle) await waitUntilIdle(node, withinMs ?? DEFAULT_WITHIN_MS, operation)
  await refuseWhenBlocked(node, operation)
  operation.signal.throwIfAborted()
  await becomeOther(node, operation)
}

/** The standby of this moment becomes active: this server when it is the standby, else the peer. */
async function becomeOther(node: NodeContext, { step }: OperationHandle): Promise<void> {
  if (isActive(node)) {
    step('the other server is asked to take over')
    settle(await node.client.takeOver(), step)
    return
  }
  await catchUp(node)
  settle(await node.loop.requestTakeOver({ force: false }), step)
}

/** As standby, asked for by the active. */
export async function takeOverForPeer(node: NodeContext): Promise<TakeOverAnswer> {
  await catchUp(node)
  return node.loop.requestTakeOver({ force: false })
}

async function catchUp(node: NodeContext): Promise<void> {
  const position = await node.client.currentPosition()
  await node.engine.applyUpTo(position, CATCH_UP_MS)
  // The report to the decision core comes up to a second later, and it refuses what it believes to be behind.
  const until = performance.now() + BEHIND_FOR_A_MOMENT_MS
  while (!node.loop.view().state.shared.own.dataInSync && performance.now() < until) await delay(50)
}

/** The repaired primary's way back: waits until its copy is complete and everything is applied. */
export async function synchroniseFirst(
  node: NodeContext,
  { step, signal }: OperationHandle,
): Promise<void> {
  const until = performance.now() + SYNCHRONISE_MS
  let told = false
  while (!node.loop.view().state.shared.own.dataInSync) {
    const { report, heardAt } = node.loop.view().state.shared.peer
    if (report?.role !== 'active' || heardAt === null) return
    if (!told) step('synchronising first: waits until every change is here')
    told = true
    if (performance.now() > until)
      throw new HotStandbyError('HS_TIMEOUT', { reason: node.engine.status().reason })
    await delay(200, undefined, { signal })
  }
}

/** Errors: HS_TAKE_OVER_REFUSED. A switch of automatic take-over is no reason against what the administrator wants. */
async function refuseWhenBlocked(
  node: NodeContext,
  { step, signal }: OperationHandle,
): Promise<void> {
  const until = performance.now() + BEHIND_FOR_A_MOMENT_MS
  let blockers = standing(node)
  let told = false
  // Under load a standby is behind for a moment now and then.
  while (isOnlyBehind(blockers) && performance.now() < until) {
    if (!told) step('waits until the standby has caught up')
    told = true
    await delay(200, undefined, { signal })
    blockers = standing(node)
  }
  if (blockers.length === 0) return
  throw new HotStandbyError('HS_TAKE_OVER_REFUSED', {
    reason: blockers.map((blocker) => blocker.reason).join('; '),
    remedy: blockers.map((blocker) => blocker.remedy).join(' '),
  })
}

function standing(node: NodeContext): readonly Blocker[] {
  return buildStatus(node).blockers.filter((blocker) => blocker.onlyAutomatic !== true)
}

function isOnlyBehind(blockers: readonly Blocker[]): boolean {
  return blockers.length > 0 && blockers.every((blocker) => blocker.id === 'notInSync')
}

async function waitUntilIdle(
  node: NodeContext,
  withinMs: number,
  { step, waits, signal }: OperationHandle,
): Promise<void> {
  const until = performance.now() + withinMs
  let last: number | null = null
  waits(true)
  try {
    for (;;) {
      const calls = isActive(node)
        ? await countActiveCalls(node.config.services)
        : (await node.client.activeCalls()).calls
      if (calls === 0) return
      if (calls !== last) step(`waits for ${calls} ${calls === 1 ? 'call' : 'calls'} to end`)
      last = calls
      if (performance.now() > until)
        throw new HotStandbyError('HS_TIMEOUT', {
          reason: `${calls} calls were still active after ${Math.round(withinMs / 1000)} s`,
          remedy: 'Try again at a quieter time, or switch over now: calls in progress end then.',
        })
      await delay(CALLS_POLL_MS, undefined, { signal })
    }
  } finally {
    waits(false)
  }
}

export function settle({ outcome, reason }: TakeOverAnswer, step: (text: string) => void): void {
  if (outcome === 'refused') throw new HotStandbyError('HS_TAKE_OVER_REFUSED', { reason })
  if (outcome === 'rolledBack') throw new HotStandbyError('HS_TAKE_OVER_FAILED', { reason })
  step(reason)
}

function isActive(node: NodeContext): boolean {
  return node.loop.view().state.name === 'active'
}
