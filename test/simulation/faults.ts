import { NAMES, otherOf, type Name } from './network.ts'
import type { World } from './world.ts'

/** One kind of trouble: begins, and is mended by the function that it returns. */
export interface Fault {
  readonly name: string
  readonly begin: (world: World) => () => void
}

/** Sets a flag, and clears it again. */
function flag(name: string, set: (world: World, on: boolean) => void): Fault {
  return {
    name,
    begin: (world) => {
      set(world, true)
      return () => set(world, false)
    },
  }
}

function onServer(name: Name): readonly Fault[] {
  return [
    flag(`${name} isolated`, ({ network }, on) => (network.isolated[name] = on)),
    flag(`cable of ${name} out`, ({ network }, on) => (network.cableOut[name] = on)),
    flag(`${name} to ${otherOf(name)} cut`, ({ network }, on) => (network.cut[name] = on)),
    flag(`disk of ${name} fails`, ({ servers }, on) => (servers[name].diskFails = on)),
    flag(`disk of ${name} slow`, ({ servers }, on) => (servers[name].diskDelayMs = on ? 1500 : 2)),
    flag(`data of ${name} fails`, ({ servers }, on) => (servers[name].dataFails = on)),
    flag(`data of ${name} slow`, ({ servers }, on) => (servers[name].dataDelayMs = on ? 4000 : 20)),
    flag(`database of ${name} down`, ({ servers }, on) => (servers[name].databaseDown = on)),
    flag(
      `address of ${name} cannot be raised`,
      ({ servers }, on) => (servers[name].raiseFails = on),
    ),
    flag(`${name} not in sync`, ({ servers }, on) => {
      servers[name].syncBroken = on
      if (on && servers[name].loop?.view().state.name === 'standby')
        servers[name].loop?.setOwn({ dataInSync: false })
    }),
    {
      name: `${name} without power`,
      begin: ({ servers }) => {
        servers[name].powerOff()
        return () => servers[name].powerOn()
      },
    },
    {
      name: `agent of ${name} killed`,
      begin: ({ servers }) => {
        servers[name].killAgent()
        return () => servers[name].startAgent()
      },
    },
    {
      name: `agent of ${name} stopped as planned`,
      begin: ({ servers }) => {
        servers[name].stopAgent()
        return () => {
          servers[name].killAgent()
          servers[name].startAgent()
        }
      },
    },
    {
      name: `${name} stalled`,
      begin: (world) => {
        world.servers[name].stall(world.random.between(200, 12_000))
        return () => world.servers[name].wake()
      },
    },
    {
      name: `take-over asked for on ${name}`,
      begin: ({ servers }) => {
        const { loop, stalled } = servers[name]
        if (!stalled) void loop?.requestTakeOver({ force: false }).catch(() => undefined)
        return () => undefined
      },
    },
    {
      name: `maintenance on ${name}`,
      begin: ({ servers }) => {
        servers[name].loop?.setMaintenance(8000)
        return () => servers[name].loop?.setMaintenance(null)
      },
    },
  ]
}

export const FAULTS: readonly Fault[] = [
  ...NAMES.flatMap(onServer),
  flag('gateway down', ({ network }, on) => (network.gatewayDown = on)),
  flag('servers cut from each other', ({ network }, on) => {
    network.cut.A = on
    network.cut.B = on
  }),
  flag('heartbeats blocked', ({ network }, on) => (network.heartbeatsBlocked = on)),
  flag('packets lost', ({ network }, on) => (network.lossProbability = on ? 0.3 : 0)),
  flag('packets late and twice', ({ network }, on) => {
    network.slowestMs = on ? 400 : 5
    network.duplicateProbability = on ? 0.5 : 0
  }),
  flag(
    'a stranger holds the address',
    (world, on) => (world.strangerSince = on ? world.timeline.now : null),
  ),
]

/** Disks that lose or hide what was written, besides the others. */
export const DISK_FAULTS: readonly Fault[] = NAMES.flatMap((name) => [
  {
    name: `power of ${name} cut, its disk unreadable for a while`,
    begin: ({ servers: { [name]: server } }) => {
      server.powerOff()
      server.diskUnreadable = true
      server.powerOn()
      return () => {
        server.diskUnreadable = false
        server.startAgent()
      }
    },
  },
  {
    // The administrator does as the message says: moves the damaged file away.
    name: `power of ${name} cut, its state torn`,
    begin: ({ servers: { [name]: server } }) => {
      server.powerOff()
      server.diskUnreadable = true
      server.powerOn()
      return () => {
        if (!server.diskUnreadable) return // Another fault of this disk was mended meanwhile.
        server.diskUnreadable = false
        server.disk = null
        server.hasLostState = true
        server.startAgent()
      }
    },
  },
])

/** Of a pair with a witness, besides the others. */
export const WITNESS_FAULTS: readonly Fault[] = NAMES.map((name) =>
  flag(`witness out of reach of ${name}`, ({ witness }, on) => {
    if (witness !== null) witness.unreachable[name] = on
  }),
)
