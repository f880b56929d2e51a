import { join } from 'node:path'
import type { AgentLoop, LoopView } from '../agent/agent-loop.ts'
import type { TakeOverRecord } from '../api/status-document.ts'
import type { ClaimCause } from '../core/state.ts'
import { readIfThere, writeDurably } from '../files/durable-file.ts'
import type { Logger } from '../logger.ts'

export interface LastTakeOver {
  current(): TakeOverRecord | null
}

/** Remembers the last time this server became active, across restarts; a damaged file only costs the memory. */
export async function openLastTakeOver(
  stateDirectory: string,
  loop: AgentLoop,
  serverId: string,
  logger: Logger,
): Promise<LastTakeOver> {
  const path = join(stateDirectory, 'last-take-over.json')
  let current = parse(await readIfThere(path))
  let startedAt: number | null = null
  let cause: ClaimCause | null = null
  let heardAt: number | null = null
  let from: LoopView['state']['name'] = loop.view().state.name

  loop.onChange(({ state, reason, history }) => {
    const { name } = state
    if (name === from) return
    const former = from
    from = name
    if (name === 'claiming' || name === 'takingOver') {
      startedAt = state.since
      heardAt = state.shared.peer.heardAt
      cause = state.name === 'claiming' ? state.cause : null
      return
    }
    if (name !== 'active' || (former !== 'claiming' && former !== 'takingOver')) return
    if (cause !== null && !TAKE_OVERS.has(cause)) return
    const began = former === 'claiming' ? (heardAt ?? startedAt) : startedAt
    current = {
      at: new Date().toISOString(),
      kind: former === 'claiming' && cause !== 'request' ? 'failover' : 'takeOver',
      term: state.shared.term,
      activeServerId: serverId,
      reason: history.at(-2)?.reason ?? reason,
      durationMs: began === null ? null : Math.round(state.since - began),
      unsentChanges: null,
    }
    writeDurably(path, `${JSON.stringify(current)}\n`).catch((error: unknown) => {
      logger.error({ err: error }, 'the last take-over could not be remembered')
    })
  })
  return { current: () => current }
}

/** The other causes make a first active server, or the same one again: nobody took over from anybody. */
const TAKE_OVERS: ReadonlySet<ClaimCause> = new Set(['failover', 'coldStart', 'request'])

function parse(text: string | null): TakeOverRecord | null {
  try {
    return text === null ? null : (JSON.parse(text) as TakeOverRecord)
  } catch {
    return null
  }
}
