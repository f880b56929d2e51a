import { openLab, type Lab, type LabHost } from '../namespaces.ts'

export const VIRTUAL_IP = '10.77.0.100'
export const GATEWAY = '10.77.0.254'
export const ADDRESSES = { a: '10.77.0.1', b: '10.77.0.2' } as const
export type Side = keyof typeof ADDRESSES

/**
 * Two servers, a client and a gateway. There are two switches with a trunk between them: server a, client and gateway
 * are at the first one, server b at the second.
 */
export interface LabNetwork {
  readonly lab: Lab
  readonly hosts: Readonly<Record<Side | 'client' | 'gateway', LabHost>>
  /** The carrier stays, and nothing passes. */
  mute(host: LabHost): Promise<void>
  cutTrunk(): Promise<void>
  /** Frames from one host to the other are lost, to and from everybody else they pass. */
  dropFrames(from: LabHost, to: LabHost): Promise<void>
  /** Loses so many percent of the frames to and from a host. */
  lose(host: LabHost, percent: number): Promise<void>
  /** Mends everything above, and all cables. */
  mend(): Promise<void>
  /** Null when all faults can be made here; else why not. */
  readonly missing: string | null
}

/** Null, with the reason printed, where there are no network namespaces. */
export async function openNetwork(): Promise<LabNetwork | null> {
  const lab = await openLab()
  if (lab === null) return null
  await lab.run('ip', ...words('link add switch-b type bridge'))
  await lab.run('ip', ...words('link set switch-b up'))
  await lab.run('ip', ...words('link add trunk-a type veth peer name trunk-b'))
  await lab.run('ip', ...words('link set trunk-a master switch up'))
  await lab.run('ip', ...words('link set trunk-b master switch-b up'))
  const a = await lab.addHost('a', [`${ADDRESSES.a}/24`])
  const b = await lab.addHost('b', [`${ADDRESSES.b}/24`], 'switch-b')
  const client = await lab.addHost('client', ['10.77.0.50/24'])
  const gateway = await lab.addHost('gateway', [`${GATEWAY}/24`])
  const hosts = { a, b, client, gateway }
  const switchOf = (host: LabHost): string => (host === b ? 'switch-b' : 'switch')
  const nft = (rule: string) => lab.run('nft', rule)
  const mayFilter = await nft('add table bridge faults').then(
    () => null,
    (error: unknown) => `nftables does not work here: ${String(error).split('\n')[0] ?? ''}`,
  )
  const addRule = async (rule: string): Promise<void> => {
    await nft('add table bridge faults')
    await nft('add chain bridge faults f { type filter hook forward priority 0; policy accept; }')
    await nft(`add rule bridge faults f ${rule}`)
  }

  return {
    lab,
    hosts,
    missing: mayFilter,
    async mute(host) {
      await lab.run('ip', 'link', 'set', `port-${host.name}`, 'nomaster')
    },
    async cutTrunk() {
      await lab.run('ip', ...words('link set trunk-a down'))
    },
    async dropFrames(from, to) {
      await addRule(`ether saddr ${await from.hardwareAddress()} oifname "port-${to.name}" drop`)
    },
    async lose(host, percent) {
      for (const way of ['iifname', 'oifname'])
        await addRule(`${way} "port-${host.name}" numgen random mod 100 < ${percent} drop`)
    },
    async mend() {
      if (mayFilter === null) await nft('delete table bridge faults').catch(() => undefined)
      await lab.run('ip', ...words('link set trunk-a up'))
      for (const host of Object.values(hosts)) {
        const port = `port-${host.name}`
        await lab.run('ip', 'link', 'set', port, 'master', switchOf(host), 'up')
      }
    },
  }
}

function words(text: string): string[] {
  return text.split(' ')
}
