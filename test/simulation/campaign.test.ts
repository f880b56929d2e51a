import { campaign } from './campaign.ts'

/** `SEED=n` replays one seed; `SEEDS=n` runs that many. */
const only = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? 300)
const first = only === undefined ? 1 : Number(only)
const last = only === undefined ? count : first
const BLOCK = 50

describe('two agents through random faults', () => {
  for (let from = first; from <= last; from += BLOCK) {
    const to = Math.min(from + BLOCK - 1, last)
    it(`keeps one active server, and heals, in seeds ${from} to ${to}`, async function () {
      this.timeout(120_000)
      for (let seed = from; seed <= to; seed += 1) await replayable(seed)
    })
    // Heartbeats that waited in the socket of a stopped server are no sign of a peer.
    it('takes no old heartbeat for a peer in a pair with a witness', () => replayable(2585, true))

    // With a witness no partition is an excuse.
    it('never has two holders in a pair with a witness', async function () {
      this.timeout(120_000)
      for (let seed = first; seed <= Math.min(last, first + 99); seed += 1)
        await replayable(seed, true)
    })
  }
})

async function replayable(seed: number, hasWitness = false): Promise<void> {
  try {
    await campaign(seed, hasWitness)
  } catch (error) {
    const hint = `replay it: SEED=${seed} npm run test:simulation`
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${hint}`, { cause: error })
  }
}
