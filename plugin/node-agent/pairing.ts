import { randomBytes } from 'node:crypto'
import { joinPair } from '../channel/join-pair.ts'
import type { Identity } from '../core/facts.ts'
import {
  type DataSummary,
  describePairData,
  keptByDefault,
  type PairData,
} from '../core/pair-data.ts'
import { checkRequirements } from '../core/check-requirements.ts'
import type { RequirementResult } from '../core/requirements.ts'
import type { ServerSettings } from '../core/settings.ts'
import type { JoinInput, JoinPreview } from '../api/agent-api.ts'
import { HotStandbyError } from '../errors.ts'
import type { PairingHandler, PeerHello } from '../ports.ts'
import { TOLD_BY_PEER } from './mail-policy.ts'
import type { NodeContext } from './node-context.ts'
import type { Step } from './operations.ts'

const PAIR_KEY_BYTES = 32

/** On the primary: what happens when a secondary presents a valid access code. */
export function createPairingHandler(node: () => NodeContext): PairingHandler {
  return {
    async pair({ hello, fingerprint, preview, data: theirData, keepDataOf: wanted }) {
      const arrivedMs = Date.now()
      const context = node()
      refuseWhenPaired(context, hello)
      const own = await context.hello()
      if (own.server.identity === hello.server.identity) {
        throw new HotStandbyError('HS_PEER_REFUSED', {
          reason: `both servers are set up as ${own.server.identity}`,
          remedy: 'Set one of them up as primary and the other as secondary.',
        })
      }
      const facts = { ...own.facts, clockMs: arrivedMs }
      const settings = { server: own.server, pair: own.pair }
      const requirements = checkRequirements(facts, hello.facts, settings)
      const data = { primary: await dataOf(context), secondary: theirData }
      const keepDataOf = wanted ?? keptByDefault(data)
      if (preview) return { hello: own, requirements, data, keepDataOf, pairKey: null }
      refuseWhenUnmet(requirements, context)
      if (keepDataOf === null) throw mustChoose(data)
      refuseOtherChoice(context, keepDataOf)
      const pairKey = randomBytes(PAIR_KEY_BYTES).toString('base64')
      const pairing = { keepDataOf, data, fingerprint, pairKey }
      await takeAsPeer(context, own.server, hello, pairing)
      return { hello: own, requirements, data, keepDataOf, pairKey }
    },
  }
}

/** On the secondary: joins the primary, or only looks. Nothing is changed unless everything is well. */
export async function join(
  context: NodeContext,
  input: JoinInput,
  preview: boolean,
  step: Step,
): Promise<JoinPreview> {
  if (context.peer.record() !== null) throw new HotStandbyError('HS_ALREADY_PAIRED')
  const { server } = context.settings.current()
  if (server === null) throw new HotStandbyError('HS_NOT_SET_UP')
  step(`asking ${input.peer}`)
  const answer = await joinPair({
    peer: input.peer,
    accessCode: input.accessCode,
    hello: await context.hello(),
    identity: context.identity,
    data: await dataOf(context),
    keepDataOf: input.keepDataOf ?? null,
    preview,
  })
  const { requirements, data, keepDataOf, fingerprint, pairKey } = answer
  if (preview) return { requirements, data, keepDataOf }
  if (pairKey === null || keepDataOf === null)
    throw new HotStandbyError('HS_PEER_REFUSED', { reason: 'no pair key was given' })
  step('requirements met, keys exchanged')
  const settings = {
    ...server,
    peerAddress: addressOf(answer.hello, server),
    peerPort: answer.hello.port,
  }
  await context.settings.save({ server: settings, pair: answer.hello.pair })
  await takeAsPeer(context, settings, answer.hello, { keepDataOf, data, fingerprint, pairKey })
  step(`the pair begins with the data of the ${keepDataOf}`)
  return { requirements, data, keepDataOf }
}

interface Pairing {
  readonly keepDataOf: Identity
  readonly data: PairData
  readonly fingerprint: string
  readonly pairKey: string
}

/** From here on the servers are a pair: the record is durable, and the decision core begins. */
async function takeAsPeer(
  { peer, history }: NodeContext,
  own: ServerSettings,
  hello: PeerHello,
  { keepDataOf, data, fingerprint, pairKey }: Pairing,
): Promise<void> {
  await peer.set({
    serverId: hello.serverId,
    serialNumber: hello.facts.serialNumber,
    address: addressOf(hello, own),
    port: hello.port,
    fingerprint,
    pairKey,
    pairedAt: new Date().toISOString(),
    startsPair: keepDataOf === own.identity,
  })
  const replaced = keepDataOf === 'primary' ? data.secondary.rows : data.primary.rows
  const whose = `the data of the ${keepDataOf} is kept, ${replaced} rows of the other are replaced`
  history.record({
    kind: 'paired',
    reason: `with ${hello.facts.hostName} (${hello.facts.serialNumber}); ${whose}`,
    // Both record it at a moment when neither is active yet.
    ...(own.identity === 'secondary' ? { data: TOLD_BY_PEER } : {}),
  })
}

async function dataOf({ engine, lastTakeOver, serverId }: NodeContext): Promise<DataSummary> {
  const last = lastTakeOver.current()
  const lastActiveAt = last?.activeServerId === serverId ? last.at : null
  return { ...(await engine.dataAmount()), lastActiveAt }
}

function mustChoose(data: PairData): HotStandbyError {
  return new HotStandbyError('HS_CONFIRMATION_NEEDED', {
    reason: describePairData(data),
    remedy:
      'Say whose data the pair keeps: `--keep-data-of primary` or `--keep-data-of secondary`; the data of the other ' +
      'server is replaced. Nothing was changed.',
    data,
  })
}

/** A repeated pairing finds the primary in the pair already, and must not turn its beginning round. */
function refuseOtherChoice({ peer }: NodeContext, keepDataOf: Identity): void {
  const present = peer.record()
  if (present === null || present.startsPair === (keepDataOf === 'primary')) return
  throw new HotStandbyError('HS_ALREADY_PAIRED', {
    reason: `the pair has begun with the data of the ${present.startsPair ? 'primary' : 'secondary'}`,
    remedy: 'Run `hot-standby disable --force` on the primary first.',
  })
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
