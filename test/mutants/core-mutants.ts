import { MOCHA, MOCHA_SAID, type Mutant, mutant as broken, type MutantEdit } from './mutant.ts'

/** Stories of the whole pair, the shipped agent twice. */
const simulation = {
  args: [...MOCHA, 'test/simulation/**/*.test.ts'],
  env: { SEEDS: '600' },
  said: MOCHA_SAID,
}

/** Files below plugin/core. */
function mutant(name: string, ...edits: readonly MutantEdit[]): Mutant {
  const inCore = edits.map(([file, from, to]): MutantEdit => [`core/${file}`, from, to])
  return broken(simulation, name, ...inCore)
}

const CLAIM_ADDRESS = 'transitions/claim-address.ts'
const CLAIMING = 'transitions/claiming.ts'
const HOLDING = 'transitions/holding.ts'
const SUSPECT = 'transitions/suspect.ts'
const WITNESS = 'witness.ts'

export const CORE_MUTANTS: readonly Mutant[] = [
  mutant('believes that the address is free whoever answers for it', [
    CLAIM_ADDRESS,
    'switch (event.result) {',
    "switch ('free' as typeof event.result) {",
  ]),
  mutant('believes that the address is free though the peer held it a moment ago', [
    CLAIM_ADDRESS,
    'if (heldLately(state, now, timing))',
    'if (false)',
  ]),
  mutant('raises the address without fresh evidence of the network', [
    CLAIM_ADDRESS,
    'if (needsEvidence && ',
    'if (false && ',
  ]),
  mutant('claims a term that is not above those that were heard', [
    CLAIM_ADDRESS,
    'const highest = Math.max(shared.term, shared.seenTerm, shared.reservedTerm)',
    'const highest = 0',
  ]),
  mutant(
    'takes over while no reference address answers',
    [
      SUSPECT,
      'const isolated = isolation(state, now, timing)',
      'const isolated = null as string | null',
    ],
    [CLAIMING, 'if (event.reachable && after)\n    return next(', 'if (true)\n    return next('],
    [CLAIM_ADDRESS, 'if (needsEvidence && ', 'if (false && '],
  ),
  mutant('takes over with data that is not in sync', [
    'election.ts',
    'if (!shared.own.dataInSync && !shared.wasActive)',
    'if (false)',
  ]),
  mutant('takes over by itself in maintenance', [
    'transitions/begin-claim.ts',
    "if (!resumes && inMaintenance(shared)) return 'maintenance mode is on'",
    '',
  ]),
  mutant('keeps the address while it is isolated', [
    HOLDING,
    'return aloneMs < timing.isolationMs\n    ? null',
    'return true\n    ? null',
  ]),
  mutant('keeps the address after a stall that was longer than its lease', [
    HOLDING,
    'if (unrenewedMs >= timing.leaseMs - timing.leaseMarginMs)',
    'if (false)',
  ]),
  mutant('does not yield to an active peer with a higher term', [
    HOLDING,
    'if (report.term > state.shared.term || equalTerm) {',
    'if (equalTerm) {',
  ]),
  mutant(
    'does not yield to a claim with a higher term',
    [HOLDING, "if (report.state === 'claiming' && report.term > state.shared.term)", 'if (false)'],
    [HOLDING, 'if (term <= state.shared.term && !isDeaf)', 'if (true)'],
  ),
  mutant(
    'goes on with a claim though the peer claims with a higher term, or is active',
    [CLAIMING, 'event.term > state.shared.term\n        ? giveUp(', 'false\n        ? giveUp('],
    [CLAIMING, 'return rival\n', 'return false\n'],
    [
      CLAIMING,
      'if (peerActive(state.shared))\n        return followActive(',
      'if (false)\n        return followActive(',
    ],
  ),
  mutant(
    'goes on with a claim after an own stall, with what it knew before',
    [CLAIMING, 'if (event.stalledMs > timing.stallMs)', 'if (false)'],
    [
      CLAIM_ADDRESS,
      'shared.virtualIpFreeAt !== null && now - shared.virtualIpFreeAt <= freeForMs',
      'shared.virtualIpFreeAt !== null',
    ],
    [CLAIM_ADDRESS, 'if (needsEvidence && ', 'if (false && '],
  ),
  mutant('promotes with another term than the one on disk', [
    CLAIMING,
    "return next({ ...state, shared }, now, 'claiming', `term ${term} is persisted`, [",
    "return next({ ...state, shared: { ...shared, term: term + 2 } }, now, 'claiming', `term ${term} is persisted`, [",
  ]),
  mutant('claims in the same moment as the other one', [
    'election.ts',
    "if (identity === 'secondary') return 1\n  return wasActive ? 0 : 2",
    'return 0',
  ]),
  mutant('takes no turns with a claim long after the peer fell silent', [
    CLAIMING,
    "const isLate = cause === 'failover' && !forced && silentMs(shared, now) > 2 * timing.deadMs",
    'const isLate = false as boolean',
  ]),
  mutant('takes turns with claims that are shorter than a server may notice later', [
    'timing.ts',
    'claimTurnMs: Math.max(intervalMs, referenceBusyMs + tickMs + FREE_FOR_MS)',
    'claimTurnMs: intervalMs',
  ]),
  mutant('takes a heartbeat that waited while it was stopped for a sign of the peer', [
    WITNESS,
    'return awakeLately || !peerHeard',
    'return !peerHeard',
  ]),
  mutant('takes over after half of the dead time', [
    SUSPECT,
    'if (silent < timing.deadMs) return',
    'if (silent < timing.deadMs / 2) return',
  ]),
  mutant('claims without the role at the witness', [
    WITNESS,
    "if (settings.witness !== true || forced || cause === 'firstPairing') return false",
    'if (true as boolean) return false',
  ]),
  mutant('goes on serving without the peer and without the role at the witness', [
    HOLDING,
    'if (silent < timing.isolationMs || witnessedLeaseMs(shared, now, timing) > 0) return null',
    'if (true as boolean) return null',
  ]),
  mutant('keeps a role that the witness has given to the other server', [
    WITNESS,
    'return { ...view, answer, heldUntil: null }',
    'return { ...view, answer }',
  ]),
  mutant('keeps the address for longer than its role at the witness lasts', [
    WITNESS,
    'return wholeLease(witness.heldUntil - now - latenessMs(timing), timing)',
    'return timing.leaseMs',
  ]),
  mutant('does not follow a peer that is active when it starts', [
    'transitions/boot.ts',
    "peerActive(state.shared)\n        ? followActive(state, event.now, 'the peer is active', letGo('the peer is active'))\n        : ",
    '',
  ]),
]
