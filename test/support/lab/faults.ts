import { waitUntil } from '../wait-until.ts'
import type { Scenario, Story } from './scenario.ts'

export interface Times {
  readonly deadMs: number
}

/** The target for a crash: dead time and half a second. */
export const BEYOND_DEAD_MS = 500
/** When nothing but the pair's own traffic suffers, clients notice at most this. */
export const UNNOTICED_MS = 300
/** An active that cannot serve waits this long before it hands over, see `unfitMs`. */
const UNFIT_MS = 10_000

/** The faults of the processes and of the machine. */
export function serverFaults({ deadMs }: Times): Scenario[] {
  const crash = {
    moves: true,
    lastsMs: deadMs + 2000,
    outageLimitMs: deadMs + BEYOND_DEAD_MS,
  } as const
  return [
    {
      name: 'kill -9 of the agent',
      expected: 'the lease falls, the standby takes over; never both',
      fault: ({ active }) => active.kill('agent'),
      ...crash,
    },
    {
      name: 'kill -9 of the agent, restarted at once',
      expected: 'it adopts the lease that still runs; nobody notices',
      async fault({ active }) {
        active.restartsAgent = true
        await active.kill('agent')
      },
      moves: false,
      lastsMs: deadMs + 2000,
      outageLimitMs: UNNOTICED_MS,
      failedLimit: 0,
    },
    {
      name: 'kill -9 of the web process',
      expected: 'the service does not come back, so the active hands over to a healthy standby',
      fault: ({ active }) => active.kill('web'),
      moves: true,
      lastsMs: 0,
      outageLimitMs: UNFIT_MS + 6000,
    },
    {
      name: 'kill -9 of PostgreSQL',
      expected: 'the active cannot serve and lets go; the standby takes over',
      fault: ({ active }) => active.kill('database'),
      moves: true,
      lastsMs: 0,
      outageLimitMs: UNFIT_MS + deadMs + 6000,
    },
    {
      name: 'kill -9 of everything',
      expected: 'the lease falls, the standby takes over after the dead time',
      fault: ({ active }) => active.kill('everything'),
      ...crash,
    },
    {
      name: 'SIGSTOP of the agent',
      expected: 'the kernel removes the address of the hung agent; it yields when it goes on',
      fault({ active }) {
        active.signalAgent('SIGSTOP')
        return Promise.resolve()
      },
      ...crash,
    },
    {
      name: 'SIGSTOP of everything',
      expected: 'the kernel still answers, until the lease has fallen; it yields when it goes on',
      fault({ active }) {
        active.host.signalEverything('SIGSTOP')
        return Promise.resolve()
      },
      ...crash,
    },
    {
      name: 'power off',
      expected: 'the standby takes over after the dead time',
      fault: ({ active }) => active.powerOff(),
      mend: ({ active }) => active.powerOn(),
      ...crash,
    },
  ]
}

/** The faults of the network. */
export function networkFaults({ deadMs }: Times): Scenario[] {
  const crash = {
    moves: true,
    lastsMs: deadMs + 2000,
    outageLimitMs: deadMs + BEYOND_DEAD_MS,
  } as const
  const unmoved = { moves: false, lastsMs: deadMs + 2500, outageLimitMs: UNNOTICED_MS } as const
  return [
    {
      name: 'cable of the active cut',
      expected: 'it lets go at once, the standby takes over after the dead time',
      fault: ({ active }) => active.host.cutCable(),
      ...crash,
    },
    {
      name: 'link of the active silent',
      expected: 'it finds itself isolated and lets go before the standby takes over',
      fault: ({ active, pair }) => pair.network.mute(active.host),
      ...crash,
    },
    {
      name: 'cable of the standby cut',
      expected: 'the active goes on; the standby does not claim',
      fault: ({ standby }) => standby.host.cutCable(),
      ...unmoved,
    },
    {
      name: 'the servers cut off from each other, both see the gateway',
      expected: 'both are active, until healed; then one within a second, the one that took over',
      fault: apart,
      mayHoldBoth: true,
      moves: true,
      lastsMs: deadMs + 2500,
      outageLimitMs: UNNOTICED_MS,
    },
    {
      name: 'what the active sends is lost on its way to the standby',
      expected: 'the standby claims, the active hears it and yields; never both',
      fault: ({ active, standby, pair }) => pair.network.dropFrames(active.host, standby.host),
      moves: true,
      lastsMs: deadMs + 2000,
      outageLimitMs: 2500,
    },
    {
      name: 'what the standby sends is lost on its way to the active',
      expected: 'nothing: the heartbeats of the active still reach the standby',
      fault: ({ active, standby, pair }) => pair.network.dropFrames(standby.host, active.host),
      ...unmoved,
    },
    {
      name: 'trunk cut, gateway on the side of the active',
      expected: 'the active goes on, the standby finds itself isolated',
      activeSide: 'a',
      fault: ({ pair }) => pair.network.cutTrunk(),
      ...unmoved,
    },
    {
      name: 'trunk cut, gateway on the side of the standby',
      expected: 'the active finds itself isolated and lets go, the standby takes over',
      activeSide: 'b',
      fault: ({ pair }) => pair.network.cutTrunk(),
      ...crash,
    },
    {
      name: 'gateway down',
      expected: 'nothing: the servers hear each other',
      fault: ({ pair }) => pair.network.hosts.gateway.cutCable(),
      ...unmoved,
    },
    {
      name: '20 % of all frames of the active lost',
      expected: 'no take-over',
      fault: ({ active, pair }) => pair.network.lose(active.host, 20),
      moves: false,
      lastsMs: 2 * deadMs,
      outageLimitMs: null,
    },
    {
      name: '40 % of all frames of the active lost',
      expected: 'no take-over',
      fault: ({ active, pair }) => pair.network.lose(active.host, 40),
      moves: false,
      lastsMs: 2 * deadMs,
      outageLimitMs: null,
    },
    {
      name: 'heartbeats blocked by a firewall',
      expected: 'the address is still answered: no take-over, an alarm',
      async fault({ standby }) {
        await standby.host.run('nft', FIREWALL)
      },
      async mend({ standby }) {
        await standby.host.run('nft', 'delete', 'table', 'inet', 'firewall')
      },
      ...unmoved,
    },
    {
      name: 'the address taken by a stranger when the active dies',
      expected: 'no take-over while it answers; after it has left, the standby takes it',
      async fault(story) {
        await squat(story)
        await story.active.kill('everything')
        await letGoOfAddress(story, deadMs)
      },
      moves: true,
      lastsMs: 0,
      outageLimitMs: 2 * deadMs + 8000,
    },
  ]
}

const FIREWALL = `add table inet firewall
add chain inet firewall input { type filter hook input priority 0; policy accept; }
add rule inet firewall input udp dport 7421 drop`

/** Neither server hears the other; both hear everybody else. */
export async function apart({ active, standby, pair }: Story): Promise<void> {
  await pair.network.dropFrames(active.host, standby.host)
  await pair.network.dropFrames(standby.host, active.host)
}

async function squat({ pair }: Story): Promise<void> {
  await pair.network.hosts.gateway.run('ip', 'addr', 'add', '10.77.0.100/32', 'dev', 'eth0')
}

/** The stranger answers until the standby has had time to take over and has not. */
async function letGoOfAddress({ pair, standby }: Story, deadMs: number): Promise<void> {
  const from = Date.now()
  await waitUntil('the time to take over', () => Date.now() - from > deadMs + 1500, deadMs + 10_000)
  const taken = pair.held(standby).some((interval) => interval.until === Infinity)
  await pair.network.hosts.gateway.run('ip', 'addr', 'del', '10.77.0.100/32', 'dev', 'eth0')
  if (taken) throw new Error('the standby took an address that a stranger answered for')
}
