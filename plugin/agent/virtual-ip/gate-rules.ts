import { parseIpAddress } from '../../core/ip-address.ts'

/**
 * The rules of the gate for one address. A set element with a time to live lets the address through; without it nothing
 * is received for the address (a neighbour's question for it neither) and nothing is sent from it. `ip` and `ip6` are
 * gated before address translation, so that a service in a container is behind the gate too.
 */
export interface GateRules {
  /** Everything anew, open for so long, in one transaction. */
  readonly define: (openMs: number) => string
  /** Prolongs it; fails where the gate is not, or not whole. */
  readonly prolong: (openMs: number) => string
  readonly shut: string
  /** Prints the elements that are left; fails where the gate is not. */
  readonly look: string
}

const TABLE = 'hot_standby_gate'
const INET = `inet ${TABLE}`
const ARP = `arp ${TABLE}`
const IS_SHUT = 'meta nfproto != @open drop'

/** Commands of `nft`, one line each. The address must be one. */
export function gateRules(address: string): GateRules {
  const isV6 = address.includes(':')
  const family = isV6 ? 'ip6' : 'ip'
  const inetRules = [
    `received ${family} daddr ${address} ${IS_SHUT}`,
    `sent ${family} saddr ${address} ${IS_SHUT}`,
    ...(isV6
      ? [`received icmpv6 type nd-neighbor-solicit @th,64,128 ${hexOf(address)} ${IS_SHUT}`]
      : []),
  ]
  // A neighbour's announcement is a question for its own address: what it says of a new holder must be heard.
  const arpRules = [
    `received arp operation request arp daddr ip ${address} arp saddr ip != ${address} arp daddr ip != @open drop`,
    `sent arp saddr ip ${address} arp saddr ip != @open drop`,
  ]
  const inet = (openMs: number): string => `ipv4 timeout ${openMs}ms, ipv6 timeout ${openMs}ms`
  const arp = (openMs: number): string => `${address} timeout ${openMs}ms`
  const elements = (openMs: number): string[] => [
    `add element ${INET} open { ${inet(openMs)} }`,
    ...(isV6 ? [] : [`add element ${ARP} open { ${arp(openMs)} }`]),
  ]
  const flush = [`flush set ${INET} open`, ...(isV6 ? [] : [`flush set ${ARP} open`])]
  return {
    define: (openMs) =>
      [
        ...removal(INET),
        ...removal(ARP),
        ...tableOf(INET, 'nf_proto', 'prerouting priority raw', 'output priority raw', inetRules),
        ...(isV6
          ? []
          : tableOf(ARP, 'ipv4_addr', 'input priority filter', 'output priority filter', arpRules)),
        ...elements(openMs),
      ].join('; '),
    prolong: (openMs) => [...flush, ...elements(openMs)].join('; '),
    shut: flush.join('; '),
    look: `list set ${isV6 ? INET : ARP} open`,
  }
}

/** A table that is missing is no error: it is made first. */
function removal(table: string): string[] {
  return [`add table ${table}`, `delete table ${table}`]
}

/** Whatever address it was for. */
export const REMOVE_GATE = [...removal(INET), ...removal(ARP)].join('; ')

function tableOf(
  table: string,
  type: string,
  received: string,
  sent: string,
  rules: readonly string[],
): string[] {
  return [
    `add table ${table}`,
    `add set ${table} open { type ${type}; flags timeout; }`,
    `add chain ${table} received { type filter hook ${received}; }`,
    `add chain ${table} sent { type filter hook ${sent}; }`,
    ...rules.map((rule) => `add rule ${table} ${rule}`),
  ]
}

function hexOf(address: string): string {
  const bytes = parseIpAddress(address)?.bytes ?? []
  return `0x${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
