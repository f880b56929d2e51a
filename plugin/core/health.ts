import type { Role } from './facts.ts'
import type { StateName } from './state.ts'

export type HealthWord =
  'notSetUp' | 'healthy' | 'synchronising' | 'degraded' | 'notProtected' | 'takingOver' | 'split'

export interface HealthInput {
  readonly setUp: 'notSetUp' | 'waitingForPeer' | 'paired'
  readonly state: StateName
  readonly role: Role
  readonly peer: { readonly heard: boolean; readonly role: Role | null }
  /** The standby has everything, as far as the pair can tell. */
  readonly inSync: boolean
  /** An initial copy or a catching-up is under way. */
  readonly synchronising: boolean
  /** Why a take-over now would fail or lose data, most important first. */
  readonly blockers: readonly { readonly reason: string; readonly remedy: string }[]
  /** What is wrong without keeping a take-over from working: database, service, reference, quarantined table. */
  readonly troubles: readonly { readonly reason: string; readonly remedy: string }[]
}

/** One word for the page's head, what it means for users, and what to do now. */
export function healthOf(input: HealthInput): {
  readonly word: HealthWord
  readonly meaning: string
  readonly action: string
} {
  const word = wordOf(input)
  return { word, ...WORDS[word](input) }
}

function wordOf(input: HealthInput): HealthWord {
  const { peer, role, state } = input
  if (input.setUp !== 'paired' || state === 'unpaired') return 'notSetUp'
  if (peer.heard && peer.role === 'active' && role === 'active') return 'split'
  if (IN_TRANSITION.includes(state)) return 'takingOver'
  if (!peer.heard || state === 'suspect' || state === 'fault' || peer.role === 'fault')
    return 'notProtected'
  if (role !== 'active' && peer.role !== 'active') return 'takingOver'
  if (input.synchronising) return 'synchronising'
  if (!input.inSync || input.blockers.length > 0) return 'notProtected'
  return input.troubles.length > 0 ? 'degraded' : 'healthy'
}

const IN_TRANSITION: readonly StateName[] = [
  'boot',
  'claiming',
  'takingOver',
  'handingOver',
  'rechecking',
]

type Words = (input: HealthInput) => { readonly meaning: string; readonly action: string }

const WORDS: Readonly<Record<HealthWord, Words>> = {
  notSetUp: ({ setUp }) =>
    setUp === 'notSetUp'
      ? {
          meaning: 'This server is not set up for hot standby.',
          action: 'Set it up on this page, or with `hot-standby setup`.',
        }
      : {
          meaning: 'This server is set up and waits for its peer.',
          action: 'Pair the servers: make an access code on the primary, use it on the secondary.',
        },
  healthy: () => ({
    meaning: 'Both servers are in sync; when the active fails, the standby takes over.',
    action: 'Nothing to do.',
  }),
  synchronising: () => ({
    meaning: 'The standby is being synchronised; it cannot take over yet.',
    action: 'Wait until it is done.',
  }),
  degraded: ({ troubles }) => ({
    meaning: `The pair works, but ${troubles[0]?.reason ?? 'something needs attention'}.`,
    action: troubles[0]?.remedy ?? 'See the events.',
  }),
  notProtected: (input) => notProtected(input),
  takingOver: ({ state }) => ({
    meaning:
      state === 'boot'
        ? 'This server has just started and looks for its peer.'
        : 'The active role is moving between the servers.',
    action: 'Wait a moment.',
  }),
  split: () => ({
    meaning: 'Both servers are active. The one with the lower term steps down by itself.',
    action: 'Check the network between the servers, then look at the unsent changes.',
  }),
}

function notProtected({ peer, state, role, blockers }: HealthInput) {
  if (state === 'fault')
    return {
      meaning: 'This server cannot serve, see the reason of its state.',
      action: 'Remove the cause; it becomes standby again by itself.',
    }
  if (!peer.heard)
    return role === 'active'
      ? {
          meaning:
            'Telephony works: this server serves. The other one does not answer, so nobody takes over when this one fails.',
          action:
            'Check power, network and agent of the other server; it comes back as standby by itself.',
        }
      : {
          meaning: 'The active server does not answer, and this one has not taken over.',
          action: 'See the reason of its state; force the take-over only when the peer is off.',
        }
  const [first] = blockers
  return {
    meaning:
      first === undefined
        ? 'A take-over now would lose data: the standby is not in sync.'
        : `A take-over now would fail or lose data: ${first.reason}.`,
    action: first?.remedy ?? 'See the state of the synchronisation.',
  }
}
