import type { Identity } from './facts.ts'

/**
 * The next term that this server may use. Primaries make odd terms, secondaries even ones, so that two
 * servers that claim at the same moment never claim the same term.
 */
export function nextTerm(highestSeen: number, identity: Identity): number {
  const parity = identity === 'primary' ? 1 : 0
  const next = highestSeen + 1
  return next % 2 === parity ? next : next + 1
}

/** Which server made a term; null for 0, which nobody made. */
export function makerOf(term: number): Identity | null {
  if (term === 0) return null
  return term % 2 === 1 ? 'primary' : 'secondary'
}

/**
 * The newest term in which this server knows of an active server. A term of its own making in which it was never
 * active comes from a claim that failed, and says nothing about its data.
 */
export function servedTerm(server: {
  readonly identity: Identity
  readonly term: number
  readonly wasActive: boolean
}): number {
  return server.wasActive || makerOf(server.term) !== server.identity ? server.term : 0
}
