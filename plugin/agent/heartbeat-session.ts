import { randomBytes } from 'node:crypto'
import type { HeartbeatPacket } from './heartbeat-packet.ts'

/** What an authentic packet proves. Only `heard` is a sign of life. */
export type Verdict = 'heard' | 'reflected' | 'replayed' | 'unproven' | 'late'

export interface HeartbeatSession {
  readonly boot: string
  judge(packet: HeartbeatPacket, now: number): Verdict
  /** Fields that every packet of ours carries; `inReplyTo` is the packet that it answers. */
  stamp(
    inReplyTo?: HeartbeatPacket,
  ): Pick<HeartbeatPacket, 'boot' | 'sequence' | 'challenge' | 'answer'>
}

interface Accepted {
  readonly boot: string
  readonly sequence: number
  /** The peer's newest nonce. */
  readonly challenge: string
  /** Our clock minus the peer's, at the fastest delivery seen. */
  readonly offsetMs: number
  readonly at: number
}

/** A packet that took this much longer than its fastest forerunners counts as kept back. */
export const LATE_MS = 1000
/** Room for clocks that run at different speeds, and for nothing else. */
const DRIFT_MS_PER_MS = 0.001

/**
 * Tells fresh packets from captured ones, without a common wall clock. A packet of a boot that we do not know
 * proves itself by answering our present nonce, which changes each time it was used: so packets of an older boot
 * of either side are never believed. Within a boot the sequence must rise. A packet that was kept back (by an
 * attacker, or by our own stall in the socket's buffer) ends the trust until the peer answers a new nonce: what was
 * true seconds ago must not look like life now, and a peer whose machine was paused is back after one round trip.
 */
export function createHeartbeatSession(): HeartbeatSession {
  const boot = nonce()
  let challenge = nonce()
  let sequence = 0
  let accepted: Accepted | null = null

  function judge(packet: HeartbeatPacket, now: number): Verdict {
    if (packet.boot === boot) return 'reflected'
    if (packet.boot === accepted?.boot) return judgeNext(packet, accepted, now)
    if (packet.answer !== challenge) return 'unproven'
    challenge = nonce()
    accepted = { ...trust(packet), offsetMs: now - packet.at, at: now }
    return 'heard'
  }

  function judgeNext(packet: HeartbeatPacket, before: Accepted, now: number): Verdict {
    if (packet.sequence <= before.sequence) return 'replayed'
    const offsetMs = now - packet.at
    const baselineMs = before.offsetMs + (now - before.at) * DRIFT_MS_PER_MS
    if (offsetMs > baselineMs + LATE_MS) {
      challenge = nonce()
      accepted = null
      return 'late'
    }
    accepted = { ...trust(packet), offsetMs: Math.min(offsetMs, baselineMs), at: now }
    return 'heard'
  }

  return {
    boot,
    judge,
    stamp(inReplyTo) {
      sequence += 1
      return {
        boot,
        sequence,
        challenge,
        answer: inReplyTo?.challenge ?? accepted?.challenge ?? null,
      }
    },
  }
}

function trust(packet: HeartbeatPacket): Pick<Accepted, 'boot' | 'sequence' | 'challenge'> {
  return { boot: packet.boot, sequence: packet.sequence, challenge: packet.challenge }
}

function nonce(): string {
  return randomBytes(16).toString('hex')
}
