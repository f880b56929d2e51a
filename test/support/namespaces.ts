import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Real hosts on real (virtual) cables: network namespaces, made with or without root, gone with the test. */
export interface Lab {
  /** Makes a host with one interface `eth0` at a switch; the one named `switch` is there from the start. */
  addHost(name: string, addresses: readonly string[], atSwitch?: string): Promise<LabHost>
  /** Runs a command where the switches are: their ports are called `port-HOST`. */
  run(...command: string[]): Promise<string>
  /** Ends every process and with them every namespace. */
  close(): Promise<void>
}

export interface LabHost {
  readonly name: string
  /** Runs a command to its end; throws with its output when the status is not 0. */
  run(...command: string[]): Promise<string>
  /** Starts a command and goes on. */
  start(...command: string[]): LabProcess
  /** As `start`; a signal to everything on the host passes it by. */
  watch(...command: string[]): LabProcess
  signalEverything(signal: NodeJS.Signals): void
  /** Takes the interface away with all its addresses, as when the power is off. */
  unplug(): Promise<void>
  plug(): Promise<void>
  /** Pulls the cable at the switch: the host loses its carrier. */
  cutCable(): Promise<void>
  mendCable(): Promise<void>
  hardwareAddress(): Promise<string>
}

export interface LabProcess {
  readonly output: () => string
  write(text: string): void
  /** To the command's process group; or to its process alone, or to all its descendants. */
  signal(signal: NodeJS.Signals, whom?: 'group' | 'process' | 'tree'): void
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>
}

interface FromHost {
  readonly type: 'ready' | 'stdout' | 'stderr' | 'end'
  readonly id: number
  readonly host: string
  readonly pid: number
  readonly text: string
  readonly status: number | null
}

const HOST = fileURLToPath(new URL('./lab-host.ts', import.meta.url))
/** One uid inside, not 0, so that PostgreSQL would start there too; the rights stay as ambient capabilities. */
const UNPRIVILEGED = ['--user', '--map-user=1000', '--map-group=1000', '--keep-caps']
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child']
const START_TIMEOUT_MS = 20_000

/** Null, and the reason printed, where network namespaces cannot be made. */
export async function openLab(): Promise<Lab | null> {
  for (const user of [UNPRIVILEGED, []]) {
    const lab = await tryToOpen([...user, ...NAMESPACES])
    if (typeof lab !== 'string') return lab
    console.log(`skipped: no network namespaces with unshare ${user.join(' ')}: ${lab}`)
  }
  return null
}

/** The reason when it is not possible. */
async function tryToOpen(options: readonly string[]): Promise<Lab | string> {
  const mount = 'mount -t tmpfs none /run && mount -t proc none /proc && exec "$@"'
  const inside = [process.execPath, ...process.execArgv, HOST, 'root']
  const root = spawn('unshare', [...options, 'sh', '-c', mount, 'sh', ...inside], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let said = ''
  root.stderr?.setEncoding('utf8').on('data', (piece: string) => (said += piece))
  const connection = connect(root)
  try {
    await Promise.race([
      connection.ready('root'),
      once(root, 'exit').then(() => Promise.reject(new Error(said.trim() || 'it ended'))),
    ])
    const lab = build(root, connection)
    await lab.prepare()
    return lab
  } catch (error) {
    await end(root)
    return (error as Error).message.split('\n')[0] ?? ''
  }
}

interface Connection {
  /** The host's process id inside the lab. */
  ready(host: string): Promise<number>
  start(host: string, command: readonly string[], spared?: boolean): LabProcess
  signalEverything(host: string, signal: NodeJS.Signals): void
  addHost(name: string): void
}

function connect(root: ChildProcess): Connection {
  const handlers = new Map<number, (message: FromHost) => void>()
  const pids = new Map<string, number>()
  let lastId = 0
  root.on('message', (given) => {
    const message = given as FromHost
    if (message.type === 'ready') pids.set(message.host, message.pid)
    else handlers.get(message.id)?.(message)
  })
  root.on('error', () => undefined)

  return {
    async ready(host) {
      const until = performance.now() + START_TIMEOUT_MS
      for (;;) {
        const pid = pids.get(host)
        if (pid !== undefined) return pid
        if (performance.now() > until) throw new Error(`host ${host} did not start`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    addHost: (host) => root.send({ type: 'host', host }),
    signalEverything: (host, signal) =>
      root.send({ type: 'signal', host, id: 0, signal, whom: 'everything' }),
    start(host, command, spared = false) {
      lastId += 1
      const id = lastId
      let output = ''
      const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
        handlers.set(id, (message) => {
          if (message.type === 'end') resolve({ status: message.status, output })
          else output += message.text
        })
      })
      root.send({ type: 'start', host, id, command, spared })
      return {
        ended,
        output: () => output,
        write: (text) => root.send({ type: 'input', host, id, text }),
        signal: (signal, whom) => root.send({ type: 'signal', host, id, signal, whom }),
      }
    },
  }
}

function build(root: ChildProcess, connection: Connection): Lab & { prepare(): Promise<void> } {
  async function run(host: string, command: readonly string[]): Promise<string> {
    const { status, output } = await connection.start(host, command).ended
    if (status === 0) return output
    throw new Error(`on ${host}: ${command.join(' ')} ended with ${String(status)}: ${output}`)
  }
  const ip = (host: string, words: string) => run(host, ['ip', ...words.split(' ')])
  let hosts = 0

  return {
    async prepare() {
      await ip('root', 'link set lo up')
      await ip('root', 'link add switch type bridge')
      await ip('root', 'link set switch up')
    },
    run: (...command) => run('root', command),
    async addHost(name, addresses, atSwitch = 'switch') {
      connection.addHost(name)
      const pid = await connection.ready(name)
      hosts += 1
      const hardware = `02:00:00:00:77:${String(hosts).padStart(2, '0')}`
      const plug = async (): Promise<void> => {
        const port = `link add port-${name} type veth peer name eth0`
        await ip('root', `${port} address ${hardware} netns ${pid}`)
        await ip('root', `link set port-${name} master ${atSwitch} up`)
        for (const address of addresses)
          await ip(name, `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`)
        await ip(name, 'link set eth0 up')
      }
      await ip(name, 'link set lo up')
      await plug()
      return {
        name,
        run: (...command) => run(name, command),
        start: (...command) => connection.start(name, command),
        watch: (...command) => connection.start(name, command, true),
        signalEverything: (signal) => connection.signalEverything(name, signal),
        async cutCable() {
          await ip('root', `link set port-${name} down`)
        },
        async mendCable() {
          await ip('root', `link set port-${name} up`)
        },
        async unplug() {
          await ip('root', `link del port-${name}`)
        },
        plug,
        hardwareAddress: () => Promise.resolve(hardware),
      }
    },
    close: () => end(root),
  }
}

/** Its processes are in one pid namespace, whose first process ends with `unshare`: nothing can stay behind. */
async function end(root: ChildProcess): Promise<void> {
  if (root.exitCode !== null || root.signalCode !== null || root.pid === undefined) return
  root.kill('SIGKILL')
  await once(root, 'exit')
}
