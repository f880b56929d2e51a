import { createListenerVirtualIp } from '../../plugin/agent/virtual-ip/listener-driver.ts'
import type { ForwardedPort } from '../../plugin/agent/virtual-ip/holder-protocol.ts'

/** A process that holds a virtual IP and renews it until it is stopped: `driver-holder.ts OPTIONS`. */
const { address, forward, leaseMs } = JSON.parse(process.argv[2]!) as {
  readonly address: string
  readonly forward: readonly ForwardedPort[]
  readonly leaseMs: number
}
const driver = createListenerVirtualIp({ address, forward, interfaceName: 'lo' })
await driver.raise(leaseMs)
process.send?.('held')
setInterval(() => void driver.raise(leaseMs), leaseMs / 4)
process.on('disconnect', () => process.exit(0))
