import { randomBytes } from 'node:crypto'
import { joinPair } from '../channel/join-pair.ts'
import { checkRequirements } from '../core/check-requirements.ts'
import type { RequirementResult } from '../core/requirements.ts'
import type { ServerSettings } from '../core/settings.ts'
import type { JoinInput } from '../api/agent-api.ts'
import { HotStandbyError } from '../errors.ts'
import type { PairingHandler, PeerHello, PeerRecord } from '../ports.ts'
import type { NodeContext } from './node-context.ts'
import type { Step } from './operations.ts'

const PAIR_KEY_BYTES = 32

/** On the primary: what happens when a secondary presents a valid access code. */
export function createPairingHandler(node: () => NodeContext): PairingHandler {
  return {
    async pair({ hello, fingerprint, preview }) {
      const context = node()
      refuseWhenPaired(context, hello)
      const own = await context.hello()
      if (own.server.identity === hello.server.identity) {
        throw new HotStandbyError('HS_PEER_REFUSED', {
          reason: `both servers are set up as ${own.server.identity}`,
          remedy: 'Set one of them up as primary and the other as secondary.',
        })
      }
      const requirements = checkRequirements(own.facts, hello.facts, {
        server: own.server,
        pair: own.pair,
      })
      if (preview) return { hello: own, requirements, pairKey: null }
      refuseWhenUnmet(requirements, context)
      const pairKey = randomBytes(PAIR_KEY_BYTES).toString('base64')
      const address = addressOf(hello, own.server)
      await context.peer.set(recordOf(hello, address, fingerprint, pairKey))
      context.history.record({
        kind: 'paired',
        reason: `with ${hello.facts.hostName} (${hello.facts.serialNumber})`,
      })
      return { hello: own, requirements, pairKey }
    },
  }
}

/** On the secondary: joins the primary, or only looks. Nothing is changed unless everything is well. */
export async function join(
  context: NodeContext,
  input: JoinInput,
  preview: boolean,
  step: Step,
): Promise<readonly RequirementResult[]> {
  if (context.peer.record() !== null) throw new HotStandbyError('HS_ALREADY_PAIRED')
  const { server } = context.settings.current()
  if (server === null) throw new HotStandbyError('HS_NOT_SET_UP')
  step(`asking ${input.peer}`)
  const answer = await joinPair({
    peer: input.peer,
    accessCode: input.accessCode,
    hello: await context.hello(),
    identity: context.identity,
    preview,
  })
  if (preview) return answer.requirements
  if (answer.pairKey === null)
    throw new HotStandbyError('HS_PEER_REFUSED', { reason: 'no pair key was given' })
  step('requirements met, keys exchanged')
  const address = addressOf(answer.hello, server)
  await context.settings.save({
    server: { ...server, peerAddress: address, peerPort: answer.hello.port },
    pair: answer.hello.pair,
  })
  await context.peer.set(recordOf(answer.hello, address, answer.fingerprint, answer.pairKey))
  context.history.record({
    kind: 'paired',
    reason: `with ${answer.hello.facts.hostName} (${answer.hello.facts.serialNumber})`,
  })
  return answer.requirements
}

/** The same secondary may pair again: its part of the last pairing may have been lost. */
function refuseWhenPaired(context: NodeContext, hello: PeerHello): void {
  const present = context.peer.record()
  if (present !== null && present.serverId !== hello.serverId)
    throw new HotStandbyError('HS_ALREADY_PAIRED')
}

function refuseWhenUnmet(requirements: readonly RequirementResult[], context: NodeContext): void {
  const unmet = requirements.filter((result) => result.mandatory && !result.met)
  if (unmet.length === 0) return
  const reason = unmet
    .map(
      (result) =>
        `${result.title} (primary ${result.own}, secondary ${result.peer}): ${result.remedy}`,
    )
    .join('; ')
  context.history.record({ kind: 'pairingRefused', reason })
  throw new HotStandbyError('HS_REQUIREMENTS_FAILED', { reason, requirements })
}

/** Where the administrator says that the peer is; else where it says itself. */
function addressOf(hello: PeerHello, own: ServerSettings): string {
  return own.peerAddress ?? hello.facts.network.address
}

function recordOf(
  hello: PeerHello,
  address: string,
  fingerprint: string,
  pairKey: string,
): PeerRecord {
  return {
    serverId: hello.serverId,
    serialNumber: hello.facts.serialNumber,
    address,
    port: hello.port,
    fingerprint,
    pairKey,
    pairedAt: new Date().toISOString(),
  }
}
