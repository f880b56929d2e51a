import { createInterface } from 'node:readline'
import { createKernelVirtualIp } from '../../plugin/agent/virtual-ip/kernel-driver.ts'

/**
 * The kernel driver on a lab host, driven by lines: `kernel-holder.ts OPTIONS`. Each line is the JSON of a call,
 * `["raise", 3000]`, and is answered with a line of JSON; `["keep", 2000]` renews a lease for ever.
 */
type Options = Parameters<typeof createKernelVirtualIp>[0]

const driver = createKernelVirtualIp(JSON.parse(process.argv[2]!) as Options)
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...given] = JSON.parse(line) as [string, ...unknown[]]
  call(name, given).then(
    (result) => say({ result: result ?? null }),
    (error: unknown) => say({ error: (error as Error).message }),
  )
})

async function call(name: string, given: readonly unknown[]): Promise<unknown> {
  if (name !== 'keep')
    return (driver as unknown as Record<string, (...all: unknown[]) => unknown>)[name]!(...given)
  const leaseMs = given[0] as number
  await driver.raise(leaseMs)
  setInterval(() => void driver.raise(leaseMs), leaseMs / 4)
  return null
}
