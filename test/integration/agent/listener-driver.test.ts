import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { VirtualIpDriver } from '../../../plugin/ports.ts'
import { createListenerVirtualIp } from '../../../plugin/agent/virtual-ip/listener-driver.ts'
import { waitUntil } from '../../support/wait-until.ts'

const ADDRESS = '127.0.0.61'
const HOLDER = fileURLToPath(new URL('../../support/driver-holder.ts', import.meta.url))
const LONG_LEASE_MS = 30_000

describe('listener driver', function () {
  this.timeout(30_000)
  let target: Server
  let port: number
  let drivers: VirtualIpDriver[]
  let agents: ChildProcess[]

  beforeEach(async () => {
    drivers = []
    agents = []
    target = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(target, 'listening')
    port = await freePort()
  })
  afterEach(async () => {
    for (const agent of agents) await kill(agent)
    for (const driver of drivers) await driver.close()
    target.close()
    await waitUntil(
      'no holder is left',
      () => childrenOf(process.pid, 'listener-holder').length === 0,
    )
  })

  const forward = () => [{ port, to: `127.0.0.1:${(target.address() as AddressInfo).port}` }]
  function driver(): VirtualIpDriver {
    const made = createListenerVirtualIp({
      address: ADDRESS,
      forward: forward(),
      interfaceName: 'lo',
    })
    drivers.push(made)
    return made
  }
  async function agent(leaseMs: number): Promise<ChildProcess> {
    const options = JSON.stringify({ address: ADDRESS, forward: forward(), leaseMs })
    const child = fork(HOLDER, [options])
    agents.push(child)
    await once(child, 'message')
    return child
  }
  const answers = () => echoes(ADDRESS, port)

  it('listens when raise resolves, forwards, and stops when dropped', async () => {
    const held = driver()
    assert.deepEqual(await held.raise(LONG_LEASE_MS), { wasMissing: false })
    assert.equal(await answers(), true)
    assert.equal(await held.held(), true)
    await held.drop()
    assert.equal(await held.held(), false)
    assert.equal(await answers(), false)
  })

  it('cuts the connections that go through it when it is dropped', async () => {
    const held = driver()
    await held.raise(LONG_LEASE_MS)
    const client = connect(port, ADDRESS)
    client.on('error', () => undefined)
    client.write('hello')
    await once(client, 'data')
    const closed = once(client, 'close')
    await held.drop()
    await closed
  })

  it('survives a target that is down, and a client that resets', async () => {
    const held = driver()
    await held.raise(LONG_LEASE_MS)
    const client = connect(port, ADDRESS)
    await once(client, 'connect')
    client.resetAndDestroy()
    await new Promise<void>((resolve) => target.close(() => resolve()))
    assert.equal(await answers(), false)
    assert.equal(await held.held(), true)
  })

  it('loses the address by itself when it is not renewed, and finds out', async () => {
    const held = driver()
    await held.raise(300)
    await waitUntil('the lease ran out', async () => !(await answers()))
    await waitUntil('the driver knows', async () => !(await held.held()))
    assert.deepEqual(await held.raise(LONG_LEASE_MS), { wasMissing: true })
    assert.equal(await answers(), true)
  })

  it('keeps the address for as long as it is renewed', async () => {
    const held = driver()
    await held.raise(1500)
    const until = performance.now() + 4000
    while (performance.now() < until) {
      assert.deepEqual(await held.raise(1500), { wasMissing: false })
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    assert.equal(await answers(), true)
  })

  it('is lost by a stopped agent without anyone’s help, and the agent knows when it goes on', async () => {
    const hung = await agent(1500)
    const probe = driver()
    assert.equal(await probe.probe(), 'heldByPeer')
    hung.kill('SIGSTOP')
    await waitUntil('the address is free', async () => (await probe.probe()) === 'free')
    assert.deepEqual(await probe.raise(LONG_LEASE_MS), { wasMissing: false })
    hung.kill('SIGCONT')
    assert.equal(await answers(), true)
  })

  it('is lost by a killed agent, and no process stays behind', async () => {
    const dead = await agent(LONG_LEASE_MS)
    const [holder] = childrenOf(dead.pid!, 'listener-holder')
    assert.ok(holder !== undefined)
    await kill(dead)
    await waitUntil('the holder ended', () => !isAlive(holder))
    assert.equal(await answers(), false)
  })

  it('still counts as held while the holder itself is stopped', async () => {
    const hung = await agent(LONG_LEASE_MS)
    const [holder] = childrenOf(hung.pid!, 'listener-holder')
    process.kill(holder!, 'SIGSTOP')
    assert.equal(await driver().probe(), 'heldByPeer')
    process.kill(holder!, 'SIGCONT')
  })

  it('says which address and port another process uses, and works once it is free', async () => {
    const other = createServer().listen(port, ADDRESS)
    await once(other, 'listening')
    const held = driver()
    await assert.rejects(held.raise(LONG_LEASE_MS), {
      code: 'HS_COMMAND_FAILED',
      message: new RegExp(`${ADDRESS}:${port} is in use by another process`),
    })
    assert.equal(await held.held(), false)
    other.close()
    await once(other, 'close')
    await held.raise(LONG_LEASE_MS)
    assert.equal(await answers(), true)
  })

  it('says when the address is not one of this machine', async () => {
    const made = createListenerVirtualIp({
      address: '192.0.2.77',
      forward: forward(),
      interfaceName: 'lo',
    })
    drivers.push(made)
    await assert.rejects(made.raise(LONG_LEASE_MS), /192\.0\.2\.77:\d+ is not an address of this/)
  })

  it('needs ports', () => {
    assert.throws(
      () => createListenerVirtualIp({ address: ADDRESS, forward: [], interfaceName: 'lo' }),
      { code: 'HS_CONFIG_INVALID', message: /network\.forward/ },
    )
  })

  it('sees references that answer by refusing, and not those that are silent', async () => {
    const made = driver()
    assert.equal(await made.anyReferenceAnswers(['127.0.0.1'], 1000), true)
    assert.equal(await made.anyReferenceAnswers(['255.255.255.255'], 300), false)
    assert.equal(await made.anyReferenceAnswers([], 300), false)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, ADDRESS)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function echoes(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, address)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => socket.write('echo'))
    socket.once('data', (bytes) => settle(bytes.toString() === 'echo'))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function childrenOf(parent: number, name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => statusOf(entry)?.parent === parent && commandOf(entry).includes(name))
    .map(Number)
}

function isAlive(pid: number): boolean {
  const status = statusOf(String(pid))
  return status !== null && status.state !== 'Z'
}

function statusOf(pid: string): { readonly parent: number; readonly state: string } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return { state: fields[0]!, parent: Number(fields[1]) }
  } catch {
    return null
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
