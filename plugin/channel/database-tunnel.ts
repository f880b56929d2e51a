import type { Duplex } from 'node:stream'
import { Socket } from 'node:net'

const LAST_BYTES_MS = 5000

export interface TunnelLimits {
  /** No byte in either direction for so long: the other end is gone, or nobody needs the tunnel. */
  readonly idleMs: number
}

/**
 * Passes bytes both ways with back-pressure, and lets both ends go together: what one end said last still reaches the
 * other (PostgreSQL's reason for hanging up), then both are destroyed.
 */
export function joinStreams(one: Duplex, other: Duplex, limits: TunnelLimits): void {
  one.pipe(other)
  other.pipe(one)
  follow(one, other)
  follow(other, one)
  for (const stream of [one, other]) {
    if (stream instanceof Socket) stream.setTimeout(limits.idleMs, () => stream.destroy())
  }
}

/** PostgreSQL's own way to refuse a connection, so that the client names the reason instead of a lost connection. */
export function databaseRefusal(message: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C08001', `M${message.replaceAll('\0', '')}`]
  const body = Buffer.from(`${fields.map((field) => `${field}\0`).join('')}\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function follow(leader: Duplex, follower: Duplex): void {
  leader.on('error', () => follower.destroy())
  leader.once('close', () => destroyAfterLastBytes(follower))
}

function destroyAfterLastBytes(stream: Duplex): void {
  if (stream.destroyed) return
  if (stream.writableFinished) {
    stream.destroy()
    return
  }
  const timer = setTimeout(() => stream.destroy(), LAST_BYTES_MS)
  timer.unref()
  stream.once('close', () => clearTimeout(timer))
  stream.once('finish', () => stream.destroy())
  stream.end()
}
