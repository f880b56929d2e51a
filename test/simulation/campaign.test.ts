import { campaign, type CampaignOptions } from './campaign.ts'
import { FASTEST_GATE } from './world.ts'

/** `SEED=n` replays one seed; `SEEDS=n` runs that many. */
const only = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? 300)
const first = only === undefined ? 1 : Number(only)
const last = only === undefined ? count : first
const BLOCK = 50

describe('two agents through random faults', () => {
  for (let from = first; from <= last; from += BLOCK) {
    const to = Math.min(from + BLOCK - 1, last)
    it(`keeps one active server, and heals, in seeds ${from} to ${to}`, () => all(from, to))
  }

  // With a witness no partition is an excuse.
  it('never has two holders in a pair with a witness', () =>
    all(first, Math.min(last, first + 99), { hasWitness: true }))

  // Heartbeats that waited in the socket of a stopped server are no sign of a peer.
  it('takes no old heartbeat for a peer in a pair with a witness', () =>
    replayable(370, { hasWitness: true }))

  // Both see the gateway come back at the same moment: the later claim must find the address held.
  it('has one claim after the other, however short the interval', () =>
    replayable(420, { settings: FASTEST_GATE, hasNoQuestions: true }))

  // Neither hears the other, and both are set off at the same moment, long after: one by a mend, the other by a retry.
  it('takes turns with claims long after the peer fell silent', () => replayable(3403, {}))

  // Promoting takes long, and the gateway goes meanwhile.
  it('raises the address only with fresh evidence of the network', () =>
    replayable(1049, { hasNoQuestions: true }))

  it('keeps all that where the TLS channel answers no questions', () =>
    all(first, Math.min(last, first + 599), { hasNoQuestions: true }))

  it('keeps all that with disks that lose or hide the state', () =>
    all(first, Math.min(last, first + 99), { hasBadDisks: true }))

  it('keeps all that with the fastest times that a gate allows', () =>
    all(first, Math.min(last, first + 99), { settings: FASTEST_GATE }))
}).timeout(300_000)

async function all(from: number, to: number, options: CampaignOptions = {}): Promise<void> {
  for (let seed = from; seed <= to; seed += 1) await replayable(seed, options)
}

async function replayable(seed: number, options: CampaignOptions): Promise<void> {
  try {
    await campaign(seed, options)
  } catch (error) {
    const hint = `replay it: SEED=${seed} npm run test:simulation`
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${hint}`, { cause: error })
  }
}
