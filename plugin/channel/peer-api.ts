import { HotStandbyError } from '../errors.ts'
import type { PeerHandler } from '../ports.ts'
import type { JsonCall } from './json-http.ts'
import { PEER_CALLS, type PeerCallName } from './peer-calls.ts'
import { checkedDocument } from './wire-schemas.ts'

const NAME_BY_PATH = new Map(
  Object.entries(PEER_CALLS).map(([name, call]) => [call.path, name as PeerCallName]),
)

/** Answers one call of the peer; the caller has checked that it is the peer. */
export async function answerPeerCall(handler: PeerHandler, call: JsonCall): Promise<unknown> {
  const name = NAME_BY_PATH.get(call.path)
  if (name === undefined) throw new HotStandbyError('HS_NOT_FOUND')
  const input = checkedDocument<never>(PEER_CALLS[name].input, call.body)
  return (handler[name] as (input: never) => Promise<unknown>).call(handler, input)
}
