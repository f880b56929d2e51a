import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { PeerReport, StateName } from '../core/state.ts'

/** Below every link's MTU: a heartbeat must never need two fragments. */
export const LARGEST_PACKET_BYTES = 1200
export const KEY_BYTES = 32
const MAGIC = Buffer.from('HSB1')
const MAC_BYTES = 32

/** One datagram of the heartbeat link; see `heartbeat-session.ts` for what the fields prove. */
export interface HeartbeatPacket {
  /** `ping` wants a `pong`; `challenge` wants proof of freshness; `claim` announces a take-over. */
  readonly kind: 'ping' | 'pong' | 'challenge' | 'claim'
  /** Random; made when the sender's link started. */
  readonly boot: string
  /** Rises with every packet of one boot. */
  readonly sequence: number
  /** The sender's monotonic clock in ms. */
  readonly at: number
  /** Nonce that the sender wants to see answered. */
  readonly challenge: string
  /** The nonce that the sender last saw from the receiver. */
  readonly answer: string | null
  /** For `pong`: which packet it answers. */
  readonly echo: number | null
  /** Null only when nothing has been reported yet. */
  readonly report: PeerReport | null
}

const nonce = z.string().regex(/^[0-9a-f]{32}$/)
// Unknown fields are ignored: during a firmware upgrade the peer may say more than we know.
const report = z.object({
  identity: z.enum(['primary', 'secondary']),
  role: z.enum(['active', 'standby', 'starting', 'fault']),
  state: z
    .string()
    .max(40)
    .transform((name) => name as StateName), // shown only; decisions use `role`
  term: z.int().min(0),
  wasActive: z.boolean(),
  healthy: z.boolean(),
  dataInSync: z.boolean(),
  referenceReachable: z.boolean(),
  modes: z.object({
    version: z.int().min(0),
    maintenanceRemainingMs: z.union([z.number().min(0), z.literal('open')]).nullable(),
    synchronisationPaused: z.boolean(),
    automatic: z.enum(['on', 'off', 'held']),
  }),
  roleChanges: z.int().min(0),
  settingsVersion: z.int().min(0),
})
const packet = z.object({
  kind: z.enum(['ping', 'pong', 'challenge', 'claim']),
  boot: nonce,
  sequence: z.int().min(1),
  at: z.number().min(0),
  challenge: nonce,
  answer: nonce.nullable(),
  echo: z.int().min(1).nullable(),
  report: report.nullable(),
})

export type Decoded =
  | { readonly result: 'packet'; readonly packet: HeartbeatPacket }
  | { readonly result: 'tooLarge' | 'malformed' | 'notAuthentic' }

/** Magic, JSON, HMAC-SHA256 over both with the pair key. */
export function encodePacket(value: HeartbeatPacket, key: Buffer): Buffer {
  const body = Buffer.concat([MAGIC, Buffer.from(JSON.stringify(value))])
  return Buffer.concat([body, macOf(body, key)])
}

/** Nothing of the content is looked at before the HMAC has proved that it comes from the pair. */
export function decodePacket(datagram: Buffer, key: Buffer): Decoded {
  if (datagram.length > LARGEST_PACKET_BYTES) return { result: 'tooLarge' }
  if (datagram.length <= MAGIC.length + MAC_BYTES) return { result: 'malformed' }
  const body = datagram.subarray(0, -MAC_BYTES)
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) return { result: 'malformed' }
  if (!timingSafeEqual(datagram.subarray(-MAC_BYTES), macOf(body, key)))
    return { result: 'notAuthentic' }
  const parsed = packet.safeParse(parseJson(body.subarray(MAGIC.length)))
  return parsed.success ? { result: 'packet', packet: parsed.data } : { result: 'malformed' }
}

function macOf(body: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest()
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
