import { statfs } from 'node:fs/promises'
import { HotStandbyError } from '../errors.ts'
import type { NetworkFacts } from '../core/facts.ts'
import { runCommand } from './run-command.ts'

const TIMEOUT_MS = 2000
const VPN_KINDS = new Set([
  'tun',
  'wireguard',
  'ppp',
  'ipip',
  'ip6tnl',
  'sit',
  'gre',
  'gretap',
  'ip6gre',
  'vti',
  'vti6',
  'xfrm',
  'l2tp',
])

interface IpAddress {
  readonly family: 'inet' | 'inet6'
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
  readonly dynamic?: boolean
  readonly temporary?: boolean
  readonly deprecated?: boolean
}

interface IpLink {
  readonly ifname: string
  readonly link_type: string
  readonly linkinfo?: { readonly info_kind?: string }
  readonly addr_info: readonly IpAddress[]
}

interface IpRoute {
  readonly dst: string
  readonly dev?: string
  readonly metric?: number
}

/** Default routes of each family, as `ip -j route show default` prints them. */
export interface DefaultRoutes {
  readonly ipv4: readonly IpRoute[]
  readonly ipv6: readonly IpRoute[]
}

/** Reads the interface from the kernel; addresses in `except` (the virtual IP) are not this server's own. */
export async function readNetworkFacts(
  interfaceName: string,
  except: readonly string[] = [],
): Promise<NetworkFacts> {
  const links = await ip<IpLink>(interfaceName, ['-d', 'addr', 'show', 'dev', interfaceName])
  const routes = {
    ipv4: await ip<IpRoute>(interfaceName, ['route', 'show', 'default']),
    ipv6: await ip<IpRoute>(interfaceName, ['-6', 'route', 'show', 'default']),
  }
  const link = links.find((each) => each.ifname === interfaceName)
  const facts = link === undefined ? null : toNetworkFacts(link, routes, except)
  if (facts === null)
    throw unreadable(interfaceName, 'has no address', 'Give the interface a static address.')
  return facts
}

/** Pure part of `readNetworkFacts`; null when the interface has no address of its own. */
export function toNetworkFacts(
  link: IpLink,
  routes: DefaultRoutes,
  except: readonly string[] = [],
): NetworkFacts | null {
  const address = ownAddress(link.addr_info.filter(({ local }) => !except.includes(local)))
  if (address === undefined) return null
  const family = address.family === 'inet' ? 'ipv4' : 'ipv6'
  return {
    interfaceName: link.ifname,
    address: address.local,
    prefixLength: address.prefixlen,
    family,
    isStatic: address.dynamic !== true,
    isDefault: defaultDevices(routes[family]).includes(link.ifname),
    kind: kindOf(link),
  }
}

/** Bytes that the agent's user may still write in the file system of `path`. */
export async function readFreeDiskBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** Static before dynamic, IPv4 before IPv6; a /32 with a lifetime is a virtual IP, ours or another's. */
function ownAddress(addresses: readonly IpAddress[]): IpAddress | undefined {
  const worth = (address: IpAddress) =>
    (address.scope === 'global' ? 8 : 0) +
    (address.temporary === true || address.deprecated === true ? 0 : 4) +
    (address.dynamic === true ? 0 : 2) +
    (address.family === 'inet' ? 1 : 0)
  return addresses
    .filter((address) => !(address.dynamic === true && address.prefixlen === 32))
    .toSorted((one, other) => worth(other) - worth(one))[0]
}

/** The kernel uses the route with the lowest metric. */
function defaultDevices(routes: readonly IpRoute[]): readonly string[] {
  const lowest = Math.min(...routes.map((route) => route.metric ?? 0))
  return routes
    .filter((route) => (route.metric ?? 0) === lowest)
    .flatMap((route) => (route.dev === undefined ? [] : [route.dev]))
}

function kindOf(link: IpLink): NetworkFacts['kind'] {
  const kind = link.linkinfo?.info_kind
  if (kind !== undefined && VPN_KINDS.has(kind)) return 'vpn'
  if (link.link_type === 'ppp' || link.link_type === 'none') return 'vpn'
  return link.link_type === 'ether' ? 'lan' : 'other'
}

async function ip<Row>(interfaceName: string, words: readonly string[]): Promise<readonly Row[]> {
  const result = await runCommand(['ip', '-j', ...words], { timeoutMs: TIMEOUT_MS })
  if (result.failure === 'notFound')
    throw unreadable(
      interfaceName,
      'cannot be read: there is no `ip`',
      'Install iproute2, or give platform.facts.network in the configuration.',
    )
  if (result.status !== 0)
    throw unreadable(
      interfaceName,
      `cannot be read: ${result.stderr.trim().split('\n')[0] ?? ''}`,
      'Name an interface that `ip link` shows in network.interface.',
    )
  return JSON.parse(result.stdout === '' ? '[]' : result.stdout) as Row[]
}

function unreadable(interfaceName: string, what: string, remedy: string): HotStandbyError {
  const reason = `the interface ${interfaceName} ${what}`
  return new HotStandbyError('HS_COMMAND_FAILED', { reason, remedy, interfaceName })
}
