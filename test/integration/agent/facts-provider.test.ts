import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { createFactsProvider } from '../../../plugin/agent/facts-provider.ts'
import { readFreeDiskBytes } from '../../../plugin/agent/kernel-facts.ts'

const facts = {
  productName: 'PBX',
  serialNumber: 'SN1',
  plan: 'Enterprise',
  firmwareVersion: '83.6.0.24',
  minimumFirmwareVersion: '83.6.0.24',
  capacity: { extensions: 100, concurrentCalls: 25 },
  network: {
    interfaceName: 'eth0',
    address: '192.168.1.10',
    prefixLength: 24,
    family: 'ipv4' as const,
    isStatic: true,
    isDefault: true,
    kind: 'lan' as const,
  },
}
const network = { interface: 'eth0', driver: 'listener' as const, forward: [] }
const alone = { gateProblem: 'the driver listener has no gate', witness: null }
const prints = (text: string) =>
  createFactsProvider({ platform: { factsCommand: ['printf', '%s', text] }, network })
const wrong = (message: RegExp) => ({ code: 'HS_CONFIG_INVALID', message })

describe('facts of this server', () => {
  it('come from the configuration', async () => {
    const own = await createFactsProvider({ platform: { facts }, network })()
    assert.deepEqual(own, { ...facts, ...alone, hostName: hostname() })
  })

  it('name the witness without its secrets', async () => {
    const witness = {
      url: 'https://192.168.1.3:2379',
      key: 'hot-standby/office',
      user: 'pbx',
      passwordFile: '/etc/hot-standby/witness-password',
    }
    const own = await createFactsProvider({ platform: { facts }, network, witness })()
    assert.equal(own.witness, 'hot-standby/office at https://192.168.1.3:2379')
  })

  it('come from a command, asked anew each time', async () => {
    const provider = prints(JSON.stringify({ ...facts, hostName: 'pbx-a' }))
    assert.deepEqual(await provider(), { ...facts, ...alone, hostName: 'pbx-a' })
    assert.deepEqual(await provider(), { ...facts, ...alone, hostName: 'pbx-a' })
  })

  it('are refused with every wrong field of what the command prints', async () => {
    const printed = { ...facts, plan: '', capacity: { extensions: -1, concurrentCalls: 1 } }
    await assert.rejects(
      prints(JSON.stringify(printed))(),
      wrong(/plan = "": is empty.*capacity\.extensions = -1/s),
    )
  })

  it('are refused when the command prints something else, fails or is missing', async () => {
    await assert.rejects(prints('hello')(), wrong(/platform\.factsCommand.*does not print JSON/))
    for (const [factsCommand, message] of [
      [['sh', '-c', 'echo no licence >&2; exit 4'], /ended with status 4 no licence/],
      [['/no/such/program'], /was not found/],
    ] as const) {
      const provider = createFactsProvider({
        platform: { factsCommand: [...factsCommand] },
        network,
      })
      await assert.rejects(provider(), wrong(message))
    }
  })

  it('name the interface that the kernel does not have', async () => {
    const withoutNetwork = { ...facts, network: undefined }
    const provider = createFactsProvider({
      platform: { facts: withoutNetwork },
      network: { ...network, interface: 'nosuch0' },
    })
    await assert.rejects(provider(), { code: 'HS_COMMAND_FAILED', message: /nosuch0/ })
  })

  it('know the free disk space', async () => {
    assert.ok((await readFreeDiskBytes('/')) > 0)
  })
})
