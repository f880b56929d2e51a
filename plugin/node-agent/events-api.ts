import type { EventsQuery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import type { PeerClient } from '../ports.ts'
import type { NodeContext } from './node-context.ts'

/** The other server, whatever its name is, as a value of `server`. */
const PEER = 'peer'
/** The channel carries documents of 1 MiB at the most. */
const PORTION = 200
const HIGHEST_LIMIT = 10_000

/** The history of this server, or of the other one when `server` names that. Errors: HS_PEER_*. */
export async function listEvents(
  node: NodeContext,
  query: EventsQuery = {},
): Promise<readonly HistoryEntry[]> {
  const { peer, exchange, history, client } = node
  const id = peer.record()?.serverId
  const names = [PEER, id, exchange.knowledge().facts?.hostName]
  if (id === undefined || query.server === undefined || !names.includes(query.server))
    return history.list(query)
  const limit = Math.min(query.limit ?? 100, HIGHEST_LIMIT)
  return fetchEvents(client, { ...query, server: id }, limit)
}

/** Newest first, portion by portion. */
export async function fetchEvents(
  client: Pick<PeerClient, 'events'>,
  filter: EventsQuery,
  limit: number,
): Promise<readonly HistoryEntry[]> {
  const found: HistoryEntry[] = []
  while (found.length < limit) {
    const wanted = Math.min(PORTION, limit - found.length)
    const before = found.at(-1)?.id ?? filter.before
    const query = { ...filter, limit: wanted, ...(before === undefined ? {} : { before }) }
    const { events } = await client.events(query)
    found.push(...events)
    if (events.length < wanted) break
  }
  return found
}
