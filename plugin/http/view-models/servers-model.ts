import type { StatusDocument } from '../../api/status-document.ts'
import type { ServerFacts } from '../../core/facts.ts'
import { bytes, moment } from './format.ts'
import { ROLE, type Tone } from './words.ts'

interface Cell {
  readonly text: string
  readonly tone?: Tone
}

interface Line {
  readonly title: string
  readonly own: Cell
  readonly peer: Cell
}

/** Both servers side by side. */
export function serversModel(status: StatusDocument): object {
  const { server, peer } = status
  const lines: readonly Line[] = [
    line('Set up as', server.identity, peer?.identity),
    { title: 'Now', own: roleCell(server.role), peer: roleCell(peer?.role ?? null) },
    line('State', server.state, peer?.state),
    line('Term', text(server.term), text(peer?.term)),
    line('Address', server.facts?.network.address, peer?.address),
    ...factLines(server.facts, peer?.facts ?? null),
    { title: 'Database', own: works(server.databaseUp), peer: unknown },
    { title: 'Telephony service', own: works(server.serviceHealthy), peer: unknown },
    { title: 'Reference address', own: answers(server.referenceReachable), peer: unknown },
    { title: 'LAN link', own: link(server.carrierUp), peer: unknown },
  ]
  return {
    ownName: server.facts?.hostName ?? 'This server',
    peerName: peer?.facts?.hostName ?? 'Peer',
    hasPeer: peer !== null,
    reason: server.reason,
    since: moment(server.since),
    lines,
  }
}

function factLines(own: ServerFacts | null, peer: ServerFacts | null): Line[] {
  const fact = (title: string, read: (facts: ServerFacts) => string): Line => ({
    title,
    own: own === null ? unknown : { text: read(own) },
    peer: peer === null ? unknown : { text: read(peer) },
  })
  return [
    fact('Product', (facts) => facts.productName),
    fact('Firmware', (facts) => facts.firmwareVersion),
    fact('Plan', (facts) => facts.plan),
    fact('Serial number', (facts) => facts.serialNumber),
    fact('Free disk', (facts) => bytes(facts.freeDiskBytes)),
  ]
}

const unknown: Cell = { text: '–' }

function line(
  title: string,
  own: string | null | undefined,
  peer: string | null | undefined,
): Line {
  return { title, own: { text: own ?? '–' }, peer: { text: peer ?? '–' } }
}

function text(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

function roleCell(role: keyof typeof ROLE | null): Cell {
  return role === null ? unknown : { text: ROLE[role].title, tone: ROLE[role].tone }
}

function works(value: boolean): Cell {
  return value ? { text: 'works', tone: 'good' } : { text: 'does not work', tone: 'bad' }
}

function answers(value: boolean | null): Cell {
  if (value === null) return unknown
  return value ? { text: 'answers', tone: 'good' } : { text: 'does not answer', tone: 'bad' }
}

function link(value: boolean | null): Cell {
  if (value === null) return unknown
  return value ? { text: 'up', tone: 'good' } : { text: 'down', tone: 'bad' }
}
