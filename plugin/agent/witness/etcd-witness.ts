import { type Logger, silentLogger } from '../../logger.ts'
import type { WitnessPort } from '../agent-ports.ts'
import { createEtcdGateway, isRecord, type EtcdCall, type WitnessConfig } from './etcd-gateway.ts'

/** All calls of one question; the effect runner gives up soon after. */
const LIMIT_MS = 800
const LOOK_LIMIT_MS = 3000

interface Lease {
  readonly id: string
  readonly ttlMs: number
}

/**
 * A witness in etcd: one key with the name of the server that has the role, bound to an etcd lease. It is only ever
 * created where it is missing, or replaced by its own holder, in one transaction; never with etcd's lock recipe.
 */
export function createEtcdWitness(
  config: WitnessConfig,
  holder: () => string,
  logger: Logger = silentLogger,
): WitnessPort {
  const call = createEtcdGateway(config)
  const key = toBase64(config.key)
  let lease: Lease | null = null
  let failing = false
  const ask = async (ttlMs: number): Promise<'granted' | 'heldByPeer'> => {
    const signal = AbortSignal.timeout(LIMIT_MS)
    const value = toBase64(holder())
    const known = lease
    if (known?.ttlMs === ttlMs && (await prolong(call, key, value, known.id, signal)))
      return 'granted'
    lease = null
    // Looked at first: a question while the peer has the role must not leave etcd leases behind.
    const present = await readValue(call, key, signal)
    if (present !== null && present !== value) return 'heldByPeer'
    const granted = await call('/v3/lease/grant', { TTL: ttlMs / 1000 }, signal)
    const id = textOf(granted, 'ID')
    if (!(await take(call, key, value, id, signal))) return 'heldByPeer'
    lease = { id, ttlMs }
    return 'granted'
  }
  return {
    async hold(ttlMs) {
      try {
        const answer = await ask(ttlMs)
        failing = false
        return answer
      } catch (error) {
        // Once and not twice a second; the event says that it does not answer, and this says why.
        if (!failing)
          logger.warn({ reason: (error as Error).message }, 'the witness cannot be asked')
        failing = true
        throw error
      }
    },
  }
}

/** The name of the server that has the role; null when nobody has. Errors: HS_TIMEOUT. */
export async function lookAtWitness(config: WitnessConfig): Promise<string | null> {
  const signal = AbortSignal.timeout(LOOK_LIMIT_MS)
  const value = await readValue(createEtcdGateway(config), toBase64(config.key), signal)
  return value === null ? null : Buffer.from(value, 'base64').toString('utf8')
}

/** The lease goes on, and the key is still ours and still hangs on it. */
async function prolong(
  call: EtcdCall,
  key: string,
  value: string,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await call('/v3/lease/keepalive', { ID: id }, signal)
  const result = isRecord(answer) ? answer['result'] : undefined
  // Of a lease that has run out etcd says no time to live.
  if (!isRecord(result) || !(Number(result['TTL'] ?? 0) > 0)) return false
  const compare = [
    { key, target: 'VALUE', result: 'EQUAL', value },
    { key, target: 'LEASE', result: 'EQUAL', lease: id },
  ]
  return succeeded(await call('/v3/kv/txn', { compare, success: [], failure: [] }, signal))
}

/** Compare and set: where there is no key, or it is our own from an earlier life. */
async function take(
  call: EtcdCall,
  key: string,
  value: string,
  lease: string,
  signal: AbortSignal,
): Promise<boolean> {
  const put = { request_put: { key, value, lease } }
  const free = [{ key, target: 'CREATE', result: 'EQUAL', create_revision: '0' }]
  if (succeeded(await call('/v3/kv/txn', { compare: free, success: [put] }, signal))) return true
  const ours = [{ key, target: 'VALUE', result: 'EQUAL', value }]
  return succeeded(await call('/v3/kv/txn', { compare: ours, success: [put] }, signal))
}

async function readValue(call: EtcdCall, key: string, signal: AbortSignal): Promise<string | null> {
  const answer = await call('/v3/kv/range', { key }, signal)
  const found = isRecord(answer) && Array.isArray(answer['kvs']) ? answer['kvs'] : []
  return found.length === 0 ? null : textOf(found[0], 'value')
}

function succeeded(answer: unknown): boolean {
  return isRecord(answer) && answer['succeeded'] === true
}

function textOf(answer: unknown, field: string): string {
  const text = isRecord(answer) ? answer[field] : undefined
  if (typeof text !== 'string') throw new Error(`etcd answered without ${field}`)
  return text
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
