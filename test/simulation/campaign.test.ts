import { shortestDeadTimeMs } from '../../plugin/core/timing.ts'
import { campaign, type CampaignOptions } from './campaign.ts'

/** `SEED=n` replays one seed; `SEEDS=n` runs that many. */
const only = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? 300)
const first = only === undefined ? 1 : Number(only)
const last = only === undefined ? count : first
const BLOCK = 50

/** Whatever is shorter than usual: the interval, the dead time, and how late the kernel ends a lease. */
const FASTEST_GATE: CampaignOptions = {
  settings: {
    keepAliveIntervalMs: 100,
    deadTimeMs: shortestDeadTimeMs(100, true),
    virtualIp: { address: '192.168.1.10', prefixLength: 24, gate: true },
  },
}

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
    replayable(2585, { hasWitness: true }))

  // Both see the gateway come back at the same moment: the later claim must find the address held.
  it('has one claim after the other, however short the interval', () =>
    replayable(306, FASTEST_GATE))

  it('keeps all that with the fastest times that a gate allows', () =>
    all(first, Math.min(last, first + 99), FASTEST_GATE))
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
