import type { PeerStatus, StatusDocument } from '../../api/status-document.ts'
import type { ServerFacts } from '../../core/facts.ts'
import type { Language } from '../i18n/language.ts'
import { rolePill, type Tone } from './words.ts'

interface Cell {
  readonly text: string
  readonly tone?: Tone
}

interface Line {
  readonly title: string
  readonly own: Cell
  readonly peer: Cell
}

/** Both servers side by side. What the peer said last is not shown as if it were so now. */
export function serversModel(status: StatusDocument, language: Language): object {
  const { server, peer } = status
  const { t, moment } = language
  const line = (name: string, own: Cell, other: Cell): Line => ({
    title: t(`servers.${name}`),
    own,
    peer: other,
  })
  const lines: readonly Line[] = [
    line('identity', identityCell(server.identity, t), identityCell(peer?.identity ?? null, t)),
    line('role', rolePillCell(server.role, language), peerRole(peer, language)),
    line(
      'state',
      stateCell(server.state, t),
      stateCell(peer?.heard === true ? peer.state : null, t),
    ),
    line('stateSince', cell(moment(server.since)?.text), cell(peerSince(peer, moment))),
    line('term', numberCell(server.term), numberCell(peer?.term ?? null)),
    line('address', cell(server.facts?.network.address), cell(peer?.address)),
    ...factLines(server.facts, peer?.facts ?? null, language),
    ...conditionLines(server, peer?.heard === true ? peer : null, t),
  ]
  return {
    ownName: server.facts?.hostName ?? t('servers.thisServer'),
    peerName: peer?.facts?.hostName ?? t('servers.peer'),
    isPeerSilent: peer !== null && !peer.heard,
    peerHeardAt: moment(peer?.lastHeardAt ?? null)?.text ?? t('servers.never'),
    reason: server.reason,
    since: moment(server.since),
    lines,
  }
}

type Condition = Pick<
  PeerStatus,
  'databaseUp' | 'serviceHealthy' | 'diskWritable' | 'referenceReachable' | 'carrierUp'
>

/** What is well now; of a silent peer nobody knows. */
function conditionLines(own: Condition, peer: Condition | null, t: Language['t']): Line[] {
  const line = (name: string, words: string, read: (of: Condition) => boolean | null): Line => ({
    title: t(`servers.${name}`),
    own: wordCell(read(own), words, t),
    peer: wordCell(peer === null ? null : read(peer), words, t),
  })
  return [
    line('database', 'works', ({ databaseUp }) => databaseUp),
    line('service', 'works', ({ serviceHealthy }) => serviceHealthy),
    line('disk', 'disk', ({ diskWritable }) => diskWritable),
    line('reference', 'answers', ({ referenceReachable }) => referenceReachable),
    line('link', 'link', ({ carrierUp }) => carrierUp),
  ]
}

function peerSince(peer: PeerStatus | null, moment: Language['moment']): string | undefined {
  return peer?.heard === true ? moment(peer.since)?.text : undefined
}

function factLines(
  own: ServerFacts | null,
  peer: ServerFacts | null,
  { t, bytes }: Language,
): Line[] {
  const fact = (name: string, read: (facts: ServerFacts) => string): Line => ({
    title: t(`servers.${name}`),
    own: own === null ? unknown : { text: read(own) },
    peer: peer === null ? unknown : { text: read(peer) },
  })
  return [
    fact('product', (facts) => facts.productName),
    fact('firmware', (facts) => facts.firmwareVersion),
    fact('plan', (facts) => facts.plan),
    fact('serialNumber', (facts) => facts.serialNumber),
    fact('freeDisk', (facts) => bytes(facts.freeDiskBytes)),
  ]
}

const unknown: Cell = { text: '–' }

function cell(text: string | null | undefined): Cell {
  return { text: text ?? '–' }
}

function numberCell(value: number | null): Cell {
  return cell(value === null ? null : String(value))
}

function identityCell(identity: PeerStatus['identity'], t: Language['t']): Cell {
  return identity === null ? unknown : { text: t(`identity.${identity}`) }
}

function stateCell(state: PeerStatus['state'], t: Language['t']): Cell {
  return state === null ? unknown : { text: t(`state.${state}`) }
}

function rolePillCell(role: StatusDocument['server']['role'], language: Language): Cell {
  const { title, tone } = rolePill(role, language)
  return { text: title, tone }
}

/** A silent peer's role is what it was, and nobody knows what it is. */
function peerRole(peer: PeerStatus | null, language: Language): Cell {
  if (peer === null || peer.role === null) return unknown
  const { title, tone } = rolePill(peer.role, language)
  if (peer.heard) return { text: title, tone }
  return { text: language.t('servers.lastKnown', { role: title }), tone: 'warning' }
}

function wordCell(value: boolean | null, words: string, t: Language['t']): Cell {
  if (value === null) return unknown
  return value
    ? { text: t(`servers.${words}.yes`), tone: 'good' }
    : { text: t(`servers.${words}.no`), tone: 'bad' }
}
