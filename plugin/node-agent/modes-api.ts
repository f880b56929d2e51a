import type { AgentApi } from '../api/agent-api.ts'
import { HotStandbyError } from '../errors.ts'
import { automaticStatus, maintenanceStatus } from './modes-status.ts'
import type { NodeContext } from './node-context.ts'

/** Maintenance mode and the switch of automatic take-over: set here, told to the peer, durable on both. */
export function createModesApi(
  node: NodeContext,
): Pick<AgentApi, 'setMaintenance' | 'setAutomatic'> {
  const { loop, history } = node
  return {
    setMaintenance(input, context) {
      refuseUnlessPaired(node)
      const wasOn = loop.view().state.shared.modes.maintenanceUntil !== null
      if (input.on)
        loop.setMaintenance(input.durationMs ?? Infinity, input.pauseSynchronisation === true)
      else if (wasOn) loop.setMaintenance(null)
      note(context?.actor, input.on ? 'maintenance mode: on' : 'maintenance mode: off')
      return Promise.resolve({ maintenance: maintenanceStatus(node) })
    },
    setAutomatic({ on }, context) {
      refuseUnlessPaired(node)
      loop.setAutomatic(on)
      note(context?.actor, `automatic take-over: ${on ? 'on' : 'off'}`)
      return Promise.resolve({ automaticTakeOver: automaticStatus(node) })
    },
  }

  /** The event itself is recorded by the core on both servers; who asked is known only here. */
  function note(actor: string | null | undefined, what: string): void {
    history.record({ kind: 'modeAskedFor', reason: what, actor: actor ?? null })
  }
}

function refuseUnlessPaired(node: NodeContext): void {
  if (node.peer.record() === null) throw new HotStandbyError('HS_NOT_PAIRED')
}
