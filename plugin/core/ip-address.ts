/** An IP address as bytes: 4 or 16 of them. */
export interface IpAddress {
  readonly family: 'ipv4' | 'ipv6'
  readonly bytes: readonly number[]
}

/** Reads an address in its usual text form; null when it is none. Zone ids are no part of an address. */
export function parseIpAddress(text: string): IpAddress | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** The two texts name the same address, however it is written. */
export function isSameAddress(one: string, other: string): boolean {
  const [a, b] = [parseIpAddress(one), parseIpAddress(other)]
  return a !== null && b !== null && a.family === b.family && isEqual(a.bytes, b.bytes)
}

/** `address` lies in the subnet of `member` with this prefix length. */
export function isInSubnet(address: string, member: string, prefixLength: number): boolean {
  const [a, b] = [parseIpAddress(address), parseIpAddress(member)]
  if (a === null || b === null || a.family !== b.family) return false
  return a.bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - 8 * index))
    const mask = (0xff << (8 - bits)) & 0xff
    return (byte & mask) === ((b.bytes[index] ?? 0) & mask)
  })
}

/** The address that no host may have: the network's own, and in IPv4 its broadcast address. */
export function isReservedInSubnet(address: string, prefixLength: number): boolean {
  const parsed = parseIpAddress(address)
  if (parsed?.family !== 'ipv4' || prefixLength >= 31) return false
  const value = parsed.bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  const size = 2 ** (32 - prefixLength)
  const host = value % size
  return host === 0 || host === size - 1
}

function parseIpv4(text: string): IpAddress | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? { family: 'ipv4', bytes } : null
}

function parseIpv6(text: string): IpAddress | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')]
  if (head === null || tail === null) return null
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null
  const zeros = Array.from({ length: missing }, () => 0)
  return { family: 'ipv6', bytes: [...head, ...zeros, ...tail] }
}

/** The bytes of one side of `::`; the last group may be an IPv4 address. */
function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups = text.split(':')
  const bytes = groups.map((group, index) => groupBytes(group, index === groups.length - 1))
  return bytes.includes(null) ? null : bytes.flatMap((pair) => pair ?? [])
}

function groupBytes(group: string, isLast: boolean): readonly number[] | null {
  if (isLast && group.includes('.')) return parseIpv4(group)?.bytes ?? null
  if (!/^[\da-f]{1,4}$/i.test(group)) return null
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}

function isEqual(one: readonly number[], other: readonly number[]): boolean {
  return one.every((byte, index) => byte === other[index])
}
