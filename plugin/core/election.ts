import type { Identity } from './facts.ts'
import type { PeerReport, Shared } from './state.ts'
import { servedTerm } from './term.ts'

interface Candidate {
  readonly identity: Identity
  readonly term: number
  readonly wasActive: boolean
  readonly fit: boolean
}

/**
 * Which of two servers that hear each other, none of them active, shall become active: the one whose data is of the
 * newer term, then the one that was active, then the primary; before the first term, the one whose data the pair begins
 * with. Both come to the same answer.
 */
export function elect(shared: Shared): 'own' | 'peer' | 'nobody' {
  const { report } = shared.peer
  if (report === null) return 'nobody'
  const fresh = shared.term === 0 && report.term === 0
  const own = ownCandidate(shared, fresh)
  const peer = peerCandidate(report, fresh && !shared.startsPair)
  if (!own.fit && !peer.fit) return 'nobody'
  if (own.fit !== peer.fit) return own.fit ? 'own' : 'peer'
  return isBetter(own, peer) ? 'own' : 'peer'
}

/** Why this server could not serve, in words; null when it could. */
export function unfitness(shared: Shared): string | null {
  if (!shared.own.databaseUp) return 'the database of this server does not answer'
  if (!shared.own.dataInSync && !shared.wasActive)
    return 'the data of this server is not in sync with what the active had'
  if (!shared.own.diskWritable) return 'the disk of this server cannot be written to'
  return null
}

/**
 * How many turns (`claimTurnMs`) later than the other one this server claims when one sign sets both off at a time: a gateway that is
 * back, the power. Else two servers that cannot hear each other ask for the address in the same moment, find it free, and
 * both raise it. The one that served last goes first: a secondary is between a primary that did and one that did not.
 */
export function claimTurn({ wasActive, identity }: Shared): number {
  if (identity === 'secondary') return 1
  return wasActive ? 0 : 2
}

function ownCandidate(shared: Shared, fresh: boolean): Candidate {
  const firstOfAll = fresh && shared.startsPair && shared.own.databaseUp
  return { ...shared, fit: firstOfAll || unfitness(shared) === null }
}

function peerCandidate(report: PeerReport, firstOfAll: boolean): Candidate {
  const hasData = report.dataInSync || report.wasActive || firstOfAll
  return { ...report, fit: hasData && report.healthy && report.state !== 'fault' }
}

function isBetter(own: Candidate, peer: Candidate): boolean {
  const terms = servedTerm(own) - servedTerm(peer)
  if (terms !== 0) return terms > 0
  if (own.wasActive !== peer.wasActive) return own.wasActive
  return own.identity === 'primary'
}
