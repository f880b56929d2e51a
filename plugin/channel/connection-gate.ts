/** Bounds how many connections strangers can hold open; the peer's address is bounded by its own limit only. */
export interface ConnectionGate {
  /** False: refuse it. True: call `leave` once when it closes. */
  enter(address: string, isPeerAddress: boolean): boolean
  leave(address: string, isPeerAddress: boolean): void
}

export interface GateLimits {
  readonly perRemote: number
  /** Of all remotes but the peer, so that nobody can keep the peer out by filling the table. */
  readonly ofStrangers: number
}

export function createConnectionGate(limits: GateLimits): ConnectionGate {
  const perRemote = new Map<string, number>()
  let strangers = 0
  return {
    enter(address, isPeerAddress) {
      const remote = remoteGroup(address)
      const count = perRemote.get(remote) ?? 0
      if (count >= limits.perRemote) return false
      if (!isPeerAddress && strangers >= limits.ofStrangers) return false
      perRemote.set(remote, count + 1)
      if (!isPeerAddress) strangers += 1
      return true
    },
    leave(address, isPeerAddress) {
      const remote = remoteGroup(address)
      const count = (perRemote.get(remote) ?? 1) - 1
      if (count === 0) perRemote.delete(remote)
      else perRemote.set(remote, count)
      if (!isPeerAddress) strangers -= 1
    },
  }
}

/** An address as people write it: IPv4 without the `::ffff:` that a dual-stack socket puts before it. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
}

/** Whom limits count as one: an IPv4 address, or an IPv6 /64, since a host picks freely within that. */
export function remoteGroup(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail = ''] = plain.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === '' ? [] : tail.split(':')
  const middle = plain.includes('::') ? Array<string>(8 - first.length - last.length).fill('0') : []
  return [...first, ...middle, ...last].slice(0, 4).join(':')
}
