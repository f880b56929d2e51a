import type { Neighbours } from './neighbours.ts'

/** Tells the peer's hardware address from a stranger's, also after the kernel has forgotten a dead peer. */
export interface PeerHardware {
  /** Looks into the kernel's table, at most every few seconds; heartbeats keep the entry there. */
  learn(): Promise<void>
  isPeer(hardware: string): Promise<boolean>
}

const LEARN_EVERY_MS = 5000
const RESOLVE_TIMEOUT_MS = 100

export function createPeerHardware(
  peerAddress: string | null,
  neighbours: Neighbours,
): PeerHardware {
  let learned: string | null = null
  let lookedAt = -Infinity
  return {
    async learn() {
      if (peerAddress === null || performance.now() - lookedAt < LEARN_EVERY_MS) return
      lookedAt = performance.now()
      learned = (await neighbours.known(peerAddress).catch(() => null)) ?? learned
    },
    async isPeer(hardware) {
      if (peerAddress === null) return false
      const known = await neighbours.known(peerAddress)
      if (hardware === known || hardware === learned) return true
      // A hung peer still answers for its own address.
      return (await neighbours.resolve(peerAddress, RESOLVE_TIMEOUT_MS)) === hardware
    },
  }
}
