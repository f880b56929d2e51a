import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { openLab, type Lab, type LabHost, type LabProcess } from '../support/namespaces.ts'
import { waitUntil } from '../support/wait-until.ts'

const HOLDER = fileURLToPath(new URL('../support/kernel-holder.ts', import.meta.url))
const FAMILIES = [
  {
    family: 'IPv4',
    virtualIp: '10.77.0.100',
    a: '10.77.0.1',
    b: '10.77.0.2',
    gateway: '10.77.0.254',
    nobody: '10.77.0.99',
  },
  {
    family: 'IPv6',
    virtualIp: 'fd77::100',
    a: 'fd77::1',
    b: 'fd77::2',
    gateway: 'fd77::254',
    nobody: 'fd77::99',
  },
] as const
const NO_TOOLS = { arping: false, ndptool: false, missing: [] }
/** The kernel looks at lifetimes about once a second. */
const KERNEL_LATENESS_MS = 1250

describe('The kernel driver between two hosts, a client and a gateway', function () {
  this.timeout(60_000)
  let lab: Lab
  let a: LabHost
  let b: LabHost
  let client: LabHost
  let gateway: LabHost
  let agents: Agent[] = []

  before(async function () {
    const opened = await openLab()
    if (opened === null) return this.skip()
    lab = opened
    a = await lab.addHost('a', ['10.77.0.1/24', 'fd77::1/64'])
    b = await lab.addHost('b', ['10.77.0.2/24', 'fd77::2/64'])
    client = await lab.addHost('client', ['10.77.0.50/24', 'fd77::50/64'])
    gateway = await lab.addHost('gateway', ['10.77.0.254/24', 'fd77::254/64'])
  })
  after(() => lab?.close())
  afterEach(async () => {
    for (const agent of agents) await agent.kill()
    agents = []
    for (const host of [a, b, client]) {
      await host.mendCable()
      for (const address of ['10.77.0.100/32', 'fd77::100/128'])
        await host.run('ip', 'addr', 'del', address, 'dev', 'eth0').catch(() => undefined)
    }
  })

  async function agent(host: LabHost, options: object): Promise<Agent> {
    const started = startAgent(host, { interfaceName: 'eth0', peerAddress: null, ...options })
    agents.push(started)
    await waitUntil('carrier', async () => (await started.call('carrierUp')) === true, 20_000)
    return started
  }
  const has = async (host: LabHost, address: string) =>
    (await host.run('ip', '-o', 'addr', 'show', 'dev', 'eth0')).includes(` ${address}/`)

  for (const tools of [undefined, NO_TOOLS])
    for (const net of FAMILIES) {
      const title = `${net.family}, ${tools === undefined ? 'with the programs that are there' : 'without any program'}`
      const on = (host: LabHost, peerAddress: string = host === a ? net.b : net.a) =>
        agent(host, {
          address: net.virtualIp,
          peerAddress,
          ...(tools === undefined ? {} : { tools }),
        })

      describe(title, () => {
        it('leaves the address to the kernel’s lease when the holder is killed, and then it is free', async () => {
          const [holder, watcher] = [await on(a), await on(b)]
          assert.equal(await watcher.call('probe'), 'free')
          await holder.call('keep', 2000)
          assert.equal(await watcher.call('probe'), 'heldByPeer')
          const killedAt = performance.now()
          await holder.kill()
          assert.equal(await has(a, net.virtualIp), true, 'a killed agent cannot take it away')
          await waitUntil('free', async () => (await watcher.call('probe')) === 'free')
          assert.ok(performance.now() - killedAt < 2000 + KERNEL_LATENESS_MS + 2000)
          assert.equal(await has(a, net.virtualIp), false)
        })

        it('loses the address in the same way when the holder hangs', async () => {
          const [holder, watcher] = [await on(a), await on(b)]
          await holder.call('keep', 1000)
          holder.signal('SIGSTOP')
          await waitUntil('free', async () => (await watcher.call('probe')) === 'free')
          holder.signal('SIGCONT')
        })

        it('tells a stranger from the peer', async () => {
          const watcher = await on(b)
          await client.run(
            'ip',
            'addr',
            'add',
            `${net.virtualIp}/${net.family === 'IPv4' ? 32 : 128}`,
            'dev',
            'eth0',
            ...(net.family === 'IPv6' ? ['nodad'] : []),
          )
          assert.equal(await watcher.call('probe'), 'heldByStranger')
        })

        it('still knows a peer that answers for nothing but the virtual IP', async () => {
          await b.run('bash', '-c', `echo heartbeat > /dev/udp/${net.a}/9`)
          const [holder, watcher] = [await on(a), await on(b)]
          await holder.call('raise', 30_000)
          const own = `${net.a}/${net.family === 'IPv4' ? 24 : 64}`
          await a.run('ip', 'addr', 'del', own, 'dev', 'eth0')
          await b.run('ip', 'neigh', 'flush', 'dev', 'eth0')
          assert.equal(await watcher.call('probe'), 'heldByPeer')
          const withoutDetection = net.family === 'IPv6' ? ['nodad'] : []
          await a.run('ip', 'addr', 'add', own, 'dev', 'eth0', ...withoutDetection)
        })

        it('moves a client’s entry by an announcement', async () => {
          const watcher = await on(b)
          const stale = '02:00:00:00:00:99'
          await client.run(
            'ip',
            'neigh',
            'replace',
            net.virtualIp,
            'lladdr',
            stale,
            'dev',
            'eth0',
            'nud',
            'stale',
          )
          await watcher.call('raise', 30_000)
          await watcher.call('announce')
          const own = await b.hardwareAddress()
          await waitUntil('the entry', async () =>
            (await client.run('ip', 'neigh', 'show', 'to', net.virtualIp)).includes(own),
          )
        })

        it('asks reference addresses on the LAN, and believes nothing without a carrier', async () => {
          const watcher = await on(b)
          assert.equal(
            await watcher.call('anyReferenceAnswers', [net.nobody, net.gateway], 1000),
            true,
          )
          assert.equal(await watcher.call('anyReferenceAnswers', [net.nobody], 500), false)
          assert.equal(await watcher.call('anyReferenceAnswers', [net.b], 500), false, 'itself')
          await gateway.cutCable()
          assert.equal(await watcher.call('anyReferenceAnswers', [net.gateway], 500), false)
          await gateway.mendCable()
          await b.cutCable()
          await waitUntil('no carrier', async () => (await watcher.call('carrierUp')) === false)
          assert.equal(await watcher.call('probe'), 'notBelievable')
        })
      })
    }

  it('drops at once, and a second time without complaint', async () => {
    const holder = await agent(a, { address: '10.77.0.100' })
    await holder.call('raise', 30_000)
    await holder.call('drop')
    assert.equal(await has(a, '10.77.0.100'), false)
    await holder.call('drop')
    assert.equal(await holder.call('held'), false)
  })

  it('puts back what somebody removed, and says so', async () => {
    const holder = await agent(a, { address: '10.77.0.100' })
    assert.deepEqual(await holder.call('raise', 30_000), { wasMissing: false })
    assert.deepEqual(await holder.call('raise', 30_000), { wasMissing: false })
    await a.run('ip', 'addr', 'del', '10.77.0.100/32', 'dev', 'eth0')
    assert.deepEqual(await holder.call('raise', 30_000), { wasMissing: true })
    assert.equal(await has(a, '10.77.0.100'), true)
  })

  it('adopts a lease that an agent before it left', async () => {
    const before = await agent(a, { address: '10.77.0.100' })
    await before.call('raise', 30_000)
    await before.kill()
    const after = await agent(a, { address: '10.77.0.100' })
    assert.equal(await after.call('held'), true)
    assert.deepEqual(await after.call('raise', 1000), { wasMissing: false })
    await waitUntil('the end of the shorter lease', async () => !(await has(a, '10.77.0.100')))
  })

  it('refuses a virtual IP that the network configuration or another program has set up', async () => {
    const holder = await agent(a, { address: '10.77.0.100' })
    for (const entry of ['10.77.0.100/24', '10.77.0.100/32']) {
      await a.run('ip', 'addr', 'add', entry, 'dev', 'eth0')
      await assert.rejects(holder.call('raise', 3000), /is set up on eth0 .*not by this agent/)
      await a.run('ip', 'addr', 'del', entry, 'dev', 'eth0')
    }
    await holder.call('raise', 3000)
  })

  it('goes on when its `ip` process is killed', async () => {
    const holder = await agent(a, { address: '10.77.0.100' })
    await holder.call('raise', 30_000)
    for (let round = 0; round < 3; round += 1) {
      const pids = await a.run(
        'sh',
        '-c',
        'for p in /proc/[0-9]*; do grep -qa batch $p/cmdline 2>/dev/null && echo ${p#/proc/}; done; true',
      )
      for (const pid of pids.trim().split('\n').filter(Boolean))
        await a.run('kill', '-9', pid).catch(() => undefined)
      assert.deepEqual(await holder.call('raise', 30_000), { wasMissing: false })
    }
  })

  it('says what is wrong when the interface is not there', async () => {
    const holder = startAgent(a, {
      address: '10.77.0.100',
      interfaceName: 'eth9',
      peerAddress: null,
    })
    agents.push(holder)
    await assert.rejects(holder.call('raise', 3000), /Cannot find device "?eth9/)
    assert.equal(await holder.call('carrierUp'), false)
  })
})

interface Agent {
  call(name: string, ...given: unknown[]): Promise<unknown>
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
}

/** The driver in a process of its own on a host, as in an agent. */
function startAgent(host: LabHost, options: object): Agent {
  const process_: LabProcess = host.start(
    process.execPath,
    ...process.execArgv,
    HOLDER,
    JSON.stringify(options),
  )
  let answered = 0
  return {
    async call(...words) {
      process_.write(`${JSON.stringify(words)}\n`)
      const index = answered
      answered += 1
      const line = () =>
        process_
          .output()
          .split('\n')
          .slice(0, -1)
          .filter((one) => one.startsWith('{'))[index]
      await waitUntil(
        `answer to ${words[0]}: ${process_.output()}`,
        () => line() !== undefined,
        20_000,
      )
      const answer = JSON.parse(line()!) as { result?: unknown; error?: string }
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer.result
    },
    signal: (signal) => process_.signal(signal),
    async kill() {
      process_.signal('SIGKILL')
      await process_.ended
    },
  }
}
