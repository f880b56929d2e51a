import type { ServerFacts } from './facts.ts'
import { isInSubnet, isReservedInSubnet, isSameAddress } from './ip-address.ts'
import type { RequirementId, RequirementResult } from './requirements.ts'
import type { PairSettings, ServerSettings } from './settings.ts'
import { compareVersions } from './version.ts'

/** The settings that requirements depend on; null where they are not known yet. */
export interface RequirementSettings {
  readonly server: Pick<ServerSettings, 'expectedPeerSerialNumber'> | null
  readonly pair: Pick<PairSettings, 'virtualIp'> | null
}

export const LARGEST_CLOCK_DIFFERENCE_MS = 2000
export const LEAST_FREE_DISK_BYTES = 1024 ** 3
const OLDEST_POSTGRES = 15
const NEWEST_POSTGRES = 18

/** Checks every requirement of a pair, from this server's point of view; the order is that of the page. */
export function checkRequirements(
  own: ServerFacts,
  peer: ServerFacts,
  settings: RequirementSettings,
): RequirementResult[] {
  const sides: Sides = { own, peer, settings }
  return (Object.keys(CHECKS) as RequirementId[]).map((id) => ({ id, ...CHECKS[id](sides) }))
}

interface Sides {
  readonly own: ServerFacts
  readonly peer: ServerFacts
  readonly settings: RequirementSettings
}

type Check = (sides: Sides) => Omit<RequirementResult, 'id'>

/** Something that must be equal on both servers. */
function same(title: string, remedy: string, read: (facts: ServerFacts) => string | number): Check {
  return ({ own, peer }) => ({
    title,
    remedy,
    mandatory: true,
    met: read(own) === read(peer),
    own: String(read(own)),
    peer: String(read(peer)),
  })
}

/** Something that must hold on each server by itself. */
function each(
  title: string,
  remedy: string,
  holds: (facts: ServerFacts) => boolean,
  show: (facts: ServerFacts) => string,
): Check {
  return ({ own, peer }) => ({
    title,
    remedy,
    mandatory: true,
    met: holds(own) && holds(peer),
    own: show(own),
    peer: show(peer),
  })
}

const CHECKS: Readonly<Record<RequirementId, Check>> = {
  samePlan: same(
    'Both servers have the same plan',
    'Ask your service provider for a licence of the same plan.',
    (facts) => facts.plan,
  ),
  sameExtensions: same(
    'Both servers have the same number of extensions',
    'Ask your service provider for the same capacity on both servers.',
    (facts) => facts.capacity.extensions,
  ),
  sameConcurrentCalls: same(
    'Both servers have the same number of concurrent calls',
    'Ask your service provider for the same capacity on both servers.',
    (facts) => facts.capacity.concurrentCalls,
  ),
  sameFirmware: ({ own, peer }) => ({
    title: 'Both servers run the same firmware',
    remedy: 'Upgrade the server with the older firmware.',
    mandatory: true,
    met: compareVersions(own.firmwareVersion, peer.firmwareVersion) === 0,
    own: own.firmwareVersion,
    peer: peer.firmwareVersion,
  }),
  minimumFirmware: ({ own, peer }) => {
    const minimum = laterOf(own.minimumFirmwareVersion, peer.minimumFirmwareVersion)
    const recent = (facts: ServerFacts): boolean =>
      compareVersions(facts.firmwareVersion, minimum) >= 0
    return {
      title: `The firmware is ${minimum} or later`,
      remedy: `Upgrade both servers to ${minimum} or later.`,
      mandatory: true,
      met: recent(own) && recent(peer),
      own: own.firmwareVersion,
      peer: peer.firmwareVersion,
    }
  },
  sameAddressFamily: same(
    'Both servers use the same Internet Protocol',
    'Give both servers an IPv4 address, or both an IPv6 address.',
    (facts) => (facts.network.family === 'ipv4' ? 'IPv4' : 'IPv6'),
  ),
  staticAddress: each(
    'Both servers have static addresses',
    'Set a static address on the LAN port (System > Network).',
    (facts) => facts.network.isStatic,
    (facts) => `${facts.network.address} (${facts.network.isStatic ? 'static' : 'dynamic'})`,
  ),
  sameSubnet: ({ own, peer }) => ({
    title: 'Both servers are in the same LAN subnet',
    remedy: 'Connect both LAN ports to the same network, with the same prefix length.',
    mandatory: true,
    met:
      own.network.prefixLength === peer.network.prefixLength &&
      isInSubnet(peer.network.address, own.network.address, own.network.prefixLength) &&
      !isSameAddress(peer.network.address, own.network.address),
    own: `${own.network.address}/${own.network.prefixLength}`,
    peer: `${peer.network.address}/${peer.network.prefixLength}`,
  }),
  lanDefaultInterface: each(
    'The LAN port is the default interface',
    'Set the default interface to the LAN port (System > Network > Basic Settings).',
    (facts) => facts.network.isDefault,
    (facts) =>
      `${facts.network.interfaceName} (${facts.network.isDefault ? 'default' : 'not default'})`,
  ),
  noVpn: each(
    'The servers reach each other without a VPN',
    'Use the LAN port; hot standby does not work through a VPN.',
    (facts) => facts.network.kind !== 'vpn',
    (facts) => `${facts.network.interfaceName} (${facts.network.kind})`,
  ),
  expectedSerialNumber: ({ own, peer, settings }) => {
    const expected = settings.server?.expectedPeerSerialNumber ?? null
    return {
      title: 'The peer has the expected serial number',
      remedy: `Correct the expected serial number, or connect the right server.`,
      mandatory: true,
      met: expected === null || expected === peer.serialNumber,
      own: expected === null ? `${own.serialNumber} (expects any)` : `expects ${expected}`,
      peer: peer.serialNumber,
    }
  },
  differentSerialNumber: ({ own, peer }) => ({
    title: 'The servers have different serial numbers',
    remedy: 'Give each server a licence of its own; one of them is a copy of the other.',
    mandatory: true,
    met: own.serialNumber !== peer.serialNumber,
    own: own.serialNumber,
    peer: peer.serialNumber,
  }),
  virtualIpInSubnet: (sides) => ({
    title: 'The virtual IP is a host address in the subnet of both servers',
    remedy: 'Choose a free address of the LAN subnet as virtual IP.',
    mandatory: true,
    met: virtualIpFits(sides),
    own: `${virtualIpOf(sides)} in ${sides.own.network.address}/${sides.own.network.prefixLength}`,
    peer: `${virtualIpOf(sides)} in ${sides.peer.network.address}/${sides.peer.network.prefixLength}`,
  }),
  virtualIpDistinct: ({ own, peer, settings }) => {
    const address = settings.pair?.virtualIp.address
    const distinct = (facts: ServerFacts): boolean =>
      address === undefined || !isSameAddress(address, facts.network.address)
    return {
      title: 'The virtual IP is not the own address of a server',
      remedy: 'Choose an address that no device uses as virtual IP.',
      mandatory: true,
      met: distinct(own) && distinct(peer),
      own: own.network.address,
      peer: peer.network.address,
    }
  },
  gateUsable: ({ own, peer, settings }) => {
    const isUsed = settings.pair?.virtualIp.gate ?? false
    const show = ({ gateProblem }: ServerFacts): string =>
      gateProblem === undefined ? 'not known' : (gateProblem ?? 'usable')
    const works = ({ gateProblem }: ServerFacts): boolean => gateProblem === null
    return {
      title: 'Both servers can have the gate before the virtual IP',
      remedy:
        'Install nftables on both servers and give the agent the right CAP_NET_ADMIN, or turn the gate off.',
      mandatory: true,
      met: !isUsed || (works(own) && works(peer)),
      own: isUsed ? show(own) : 'not used',
      peer: isUsed ? show(peer) : 'not used',
    }
  },
  sameWitness: ({ own, peer }) => ({
    title: 'Both servers name the same witness',
    remedy: 'Give both servers the same `witness` in the configuration file: address and key.',
    mandatory: false,
    met: own.witness === undefined || peer.witness === undefined || own.witness === peer.witness,
    own: own.witness ?? 'none',
    peer: peer.witness ?? 'none',
  }),
  sameSchema: same(
    'Both databases have the same tables',
    'Bring both servers to the same firmware and run `hot-standby migrate` on both.',
    (facts) => facts.schemaFingerprint.slice(0, 12),
  ),
  samePackageVersion: (sides) => ({
    ...same(
      'Both servers run the same version of hot standby',
      'Upgrade the other server too.',
      (facts) => facts.packageVersion,
    )(sides),
    mandatory: false,
  }),
  clockDifference: ({ own, peer }) => ({
    title: 'The clocks differ by less than 2 seconds',
    remedy: 'Turn on network time (NTP) on both servers.',
    mandatory: true,
    met: Math.abs(own.clockMs - peer.clockMs) <= LARGEST_CLOCK_DIFFERENCE_MS,
    own: timeOf(own),
    peer: timeOf(peer),
  }),
  freeDisk: each(
    'At least 1 GiB of disk is free on both servers',
    'Make room on the disk of the database.',
    (facts) => facts.freeDiskBytes >= LEAST_FREE_DISK_BYTES,
    (facts) => `${(facts.freeDiskBytes / 1024 ** 3).toFixed(1)} GiB`,
  ),
  postgresVersion: each(
    `Both servers run PostgreSQL ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}`,
    `Upgrade PostgreSQL to ${OLDEST_POSTGRES} or later.`,
    ({ postgresVersion }) => {
      const major = majorOf(postgresVersion)
      return major >= OLDEST_POSTGRES && major <= NEWEST_POSTGRES
    },
    (facts) => String(majorOf(facts.postgresVersion)),
  ),
}

function virtualIpFits({ own, peer, settings }: Sides): boolean {
  const virtualIp = settings.pair?.virtualIp
  if (virtualIp === undefined) return true
  return [own, peer].every(
    ({ network }) =>
      isInSubnet(virtualIp.address, network.address, network.prefixLength) &&
      !isReservedInSubnet(virtualIp.address, network.prefixLength),
  )
}

function virtualIpOf({ settings }: Sides): string {
  return settings.pair?.virtualIp.address ?? '(not set)'
}

function laterOf(one: string, other: string): string {
  return compareVersions(one, other) >= 0 ? one : other
}

/** `server_version_num` as PostgreSQL has it (150004), or the major version alone. */
function majorOf(postgresVersion: number): number {
  return postgresVersion >= 10_000 ? Math.floor(postgresVersion / 10_000) : postgresVersion
}

/** A clock outside what a date can be is shown as it came. */
function timeOf({ clockMs }: ServerFacts): string {
  const date = new Date(clockMs)
  return Number.isNaN(date.getTime()) ? String(clockMs) : date.toISOString()
}
