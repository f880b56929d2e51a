import type { NodeContext } from './node-context.ts'

/** The peer was heard within the dead time. */
export function isHeard({ state, timing }: ReturnType<NodeContext['loop']['view']>): boolean {
  const { heardAt } = state.shared.peer
  return heardAt !== null && performance.now() - heardAt < timing.deadMs
}
