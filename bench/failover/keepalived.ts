import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../plugin/agent/find-program.ts'
import {
  heldByBothMs,
  type HeldInterval,
  heldIntervals,
} from '../../test/support/lab/holder-log.ts'
import { openNetwork, type LabNetwork, VIRTUAL_IP } from '../../test/support/lab/network.ts'
import {
  isAnswered,
  longestOutageMs,
  parseRequests,
  type RequestRecord,
} from '../../test/support/lab/request-log.ts'
import { WEB_PORT } from '../../test/support/lab/server.ts'
import type { LabHost, LabProcess } from '../../test/support/namespaces.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import type { Fault, Run } from './outcome.ts'

const SUPPORT = join(import.meta.dirname, '../../test/support/lab')
const QUIET_MS = 2000
const LIMIT_MS = 40_000
/** Longer than any take-over of the table, so that a second holder that stays is seen to stay. */
const LASTS_MS = 7000

/** A pair of hosts with keepalived, in the same lab and with the same client as ours. */
export interface KeepalivedPair {
  measure(fault: Fault): Promise<Run>
  close(): Promise<void>
}

export async function isKeepalivedHere(): Promise<boolean> {
  return (await findProgram('keepalived')) !== null
}

/** One of the two: a web server that answers, and keepalived. */
class Host {
  readonly name: string
  readonly host: LabHost
  readonly held: () => HeldInterval[]
  readonly #config: string
  readonly #pids: string
  #daemon: LabProcess | null = null
  #web: LabProcess | null = null

  constructor(host: LabHost, folder: string, priority: number, advertSeconds: number) {
    this.host = host
    this.name = `pbx-${host.name}`
    this.#config = join(folder, `${host.name}.conf`)
    this.#pids = join(folder, host.name)
    writeFileSync(this.#config, configuration(priority, advertSeconds))
    const monitor = host.watch('ip', '-ts', '-o', 'monitor', 'address')
    this.held = () => heldIntervals(monitor.output(), VIRTUAL_IP)
  }

  /** Starts what does not run; what was stopped goes on. */
  async start(): Promise<void> {
    this.host.signalEverything('SIGCONT')
    this.#web ??= await this.#startWeb()
    if (this.#daemon !== null) return
    // One that was killed leaves the address behind, and at its next start thinks that it is still to be kept.
    await this.host.run('ip', 'addr', 'del', `${VIRTUAL_IP}/24`, 'dev', 'eth0').catch(() => '')
    for (const name of ['.pid', '.vrrp.pid']) rmSync(this.#pids + name, { force: true })
    const files = ['-f', this.#config, '-p', `${this.#pids}.pid`, '-r', `${this.#pids}.vrrp.pid`]
    const daemon = this.host.start('keepalived', '-n', '-l', '-D', ...files)
    this.#daemon = daemon
    void daemon.ended.then(() => {
      if (this.#daemon === daemon) this.#daemon = null
    })
    await waitUntil('keepalived runs', () => /Entering (BACKUP|MASTER) STATE/.test(daemon.output()))
  }

  async #startWeb(): Promise<LabProcess> {
    const script = join(import.meta.dirname, 'web-stub.ts')
    const port = String(WEB_PORT)
    const web = this.host.start(process.execPath, '--import=tsx', script, port, this.name)
    void web.ended.then(() => {
      if (this.#web === web) this.#web = null
    })
    await waitUntil('the web server listens', () => web.output().includes('listens'))
    return web
  }

  async signalDaemon(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon
    daemon?.signal(signal, signal === 'SIGTERM' ? 'process' : 'tree')
    await daemon?.ended
  }

  async killEverything(): Promise<void> {
    this.host.signalEverything('SIGKILL')
    await Promise.all([this.#daemon?.ended, this.#web?.ended])
  }
}

type Deed = (active: Host, network: LabNetwork) => Promise<void>

const DEEDS: Readonly<Record<Fault, Deed>> = {
  'kill -9 of the agent': (active) => active.signalDaemon('SIGKILL'),
  'kill -9 of everything': (active) => active.killEverything(),
  'SIGSTOP of everything': (active) => {
    active.host.signalEverything('SIGSTOP')
    return Promise.resolve()
  },
  'power off': async (active) => {
    await Promise.all([active.host.unplug(), active.killEverything()])
  },
  'cable of the active cut': (active) => active.host.cutCable(),
  'link of the active silent': (active, network) => network.mute(active.host),
  // What `systemctl stop keepalived` does.
  'planned switchover': (active) => active.signalDaemon('SIGTERM'),
}

/** Null where there are no network namespaces. */
export async function openKeepalived(advertSeconds: number): Promise<KeepalivedPair | null> {
  const network = await openNetwork()
  if (network === null) return null
  const folder = mkdtempSync(join(tmpdir(), 'hs-keepalived-'))
  const a = new Host(network.hosts.a, folder, 150, advertSeconds)
  const b = new Host(network.hosts.b, folder, 100, advertSeconds)
  const file = join(folder, 'requests')
  const words = { host: VIRTUAL_IP, port: WEB_PORT, token: 'none', file }
  const json = JSON.stringify({ ...words, intervalMs: 10, timeoutMs: 3000 })
  const client = join(SUPPORT, 'client.ts')
  network.hosts.client.start(process.execPath, '--import=tsx', client, json)
  const requests = (): RequestRecord[] =>
    existsSync(file) ? parseRequests(readFileSync(file, 'utf8')) : []

  const settle = async (): Promise<Host> => {
    await network.mend()
    await Promise.all([a.start(), b.start()])
    try {
      return await steady()
    } catch {
      // After a heal the client may go on asking the one that gave the address up.
      console.error('    the pair did not heal by itself within the limit: both are started anew')
      await Promise.all([a.signalDaemon('SIGKILL'), b.signalDaemon('SIGKILL')])
      await Promise.all([a.start(), b.start()])
      return steady()
    }
  }
  const steady = async (): Promise<Host> => {
    let servedBy = ''
    let since = Date.now()
    await waitUntil(
      'one of them serves',
      () => {
        const last = requests().slice(-20)
        const name = last.at(-1)?.server ?? ''
        const isSteady = name !== '' && last.every((one) => one.server === name && isAnswered(one))
        if (!isSteady || name !== servedBy) since = Date.now()
        servedBy = name
        return Date.now() - since > QUIET_MS
      },
      LIMIT_MS,
    )
    return servedBy === a.name ? a : b
  }
  return {
    async measure(fault) {
      const active = await settle()
      const standby = active === a ? b : a
      const faultAt = Date.now()
      await DEEDS[fault](active, network)
      const answers = (): boolean =>
        requests().some((one) => one.server === standby.name && one.sentAt > faultAt)
      await waitUntil(`${standby.name} serves`, answers, LIMIT_MS)
      await waitUntil('the fault lasts', () => Date.now() - faultAt > LASTS_MS, LIMIT_MS)
      const mendAt = Date.now()
      if (fault === 'power off') await active.host.plug()
      const during = requests().filter((one) => one.sentAt >= faultAt && one.sentAt < mendAt)
      return {
        outageMs: Math.round(longestOutageMs(requests(), faultAt, mendAt)),
        bothHeldMs: Math.round(heldByBothMs(active.held(), standby.held(), faultAt, mendAt)),
        requestsFailed: during.filter((one) => !isAnswered(one)).length,
      }
    },
    async close() {
      await network.lab.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** The server that took over keeps the address, as with ours. */
function configuration(priority: number, advertSeconds: number): string {
  // Version 2 of the protocol knows whole seconds only.
  return `global_defs {
  vrrp_version 3
}
vrrp_instance pbx {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${advertSeconds}
  virtual_ipaddress {
    ${VIRTUAL_IP}/24
  }
}
`
}
