import type { AgentApi, SettleUnsentInput, UnsentOutcome } from '../api/agent-api.ts'
import type { UnsentChange } from '../api/status-document.ts'
import { HIDDEN, HIDDEN_OTHER, isSecretColumn } from '../core/secret-columns.ts'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'

/** Both servers' kept changes, from either one: listed, applied again on the active, or discarded. */
export function createUnsentApi(node: NodeContext): Pick<AgentApi, 'unsent' | 'settleUnsent'> {
  return {
    unsent: async () => ({
      changes: (await changesOfBoth(node)).map(({ change }) => withoutSecrets(change)),
    }),
    settleUnsent: (input, context) => settleUnsent(node, input, context?.actor ?? null),
  }
}

/** Also as the active, for the standby that was asked. */
export async function settleUnsent(
  node: NodeContext,
  input: SettleUnsentInput,
  actor: string | null,
): Promise<UnsentOutcome> {
  const isActive = node.loop.view().state.name === 'active'
  // Only the active server may change data.
  if (input.how === 'reapply' && !isActive)
    return node.client.resolveUnsent({ ...input, by: actor })
  const chosen = choose(await changesOfBoth(node), input)
  const done: string[] = []
  const conflicts: { id: string; reason: string }[] = []
  for (const { change, id, owner } of chosen) {
    const reason = input.how === 'reapply' ? await node.engine.unsent.reapply(change) : null
    if (reason !== null) {
      conflicts.push({ id: change.id, reason })
      continue
    }
    const settled = {
      ids: [id],
      how: input.how === 'reapply' ? 'reapplied' : 'discarded',
      by: actor,
    } as const
    if (owner === 'own') await node.engine.unsent.settle(settled)
    else await node.client.settleUnsent(settled)
    done.push(change.id)
  }
  if (done.length > 0 || conflicts.length > 0)
    node.history.record({
      kind: 'unsentSettled',
      reason: `${input.how === 'reapply' ? 'applied again' : 'discarded'}: ${done.length}, in conflict: ${conflicts.length}`,
      data: { done: done.slice(0, 100), conflicts: conflicts.slice(0, 100) },
      actor,
    })
  return { done, conflicts }
}

/** What is applied again are the values themselves; they are not needed to choose. */
export function withoutSecrets(change: UnsentChange): UnsentChange {
  const { loser, winner } = change
  const hide = (row: UnsentChange['loser'], other: UnsentChange['loser']): UnsentChange['loser'] =>
    row &&
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => {
        if (value === null || !isSecretColumn(column)) return [column, value]
        const isOther = other !== null && (other[column] ?? null) !== value
        return [column, isOther ? HIDDEN_OTHER : HIDDEN]
      }),
    )
  const values = [loser, winner].flatMap((row) => Object.entries(row ?? {}))
  const isShown = (part: string): boolean =>
    values.some(([column, value]) => value === part && !isSecretColumn(column))
  const isSecret = (part: string): boolean => values.some(([, value]) => value === part)
  // The key has no names of columns: only a part that stands under a secret name alone is hidden.
  const key = change.key.map((part) => (isSecret(part) && !isShown(part) ? HIDDEN : part))
  return { ...change, key, loser: hide(loser, winner), winner: hide(winner, loser) }
}

interface Owned {
  readonly change: UnsentChange
  readonly id: number
  readonly owner: 'own' | 'peer'
}

/** Numbers are of one server; the letter of its identity makes them of the pair. */
async function changesOfBoth(node: NodeContext): Promise<readonly Owned[]> {
  const isSecondary = node.settings.current().server?.identity === 'secondary'
  const own = await node.engine.unsent.list()
  const theirs = node.peer.record() === null ? [] : await peerChanges(node)
  const owned = (owner: Owned['owner'], letter: string) => (change: UnsentChange) => ({
    change: { ...change, id: `${letter}${change.id}` },
    id: Number(change.id),
    owner,
  })
  return [
    ...own.map(owned('own', isSecondary ? 's' : 'p')),
    ...theirs.map(owned('peer', isSecondary ? 'p' : 's')),
  ]
}

/** A peer that does not answer has its changes all the same; they are listed when it is back. */
async function peerChanges(node: NodeContext): Promise<readonly UnsentChange[]> {
  try {
    return (await node.client.unsent()).changes
  } catch (error) {
    node.logger.debug({ reason: toHotStandbyError(error).message }, 'the peer could not be asked')
    return []
  }
}

function choose(
  all: readonly Owned[],
  { ids, all: everything }: SettleUnsentInput,
): readonly Owned[] {
  if (everything === true) return all
  return (ids ?? []).map((id) => {
    const found = all.find(({ change }) => change.id === id)
    if (found === undefined)
      throw new HotStandbyError('HS_NOT_FOUND', { reason: `there is no unsent change ${id}` })
    return found
  })
}
