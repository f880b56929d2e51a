import { spawn, type ChildProcess } from 'node:child_process'

/**
 * One process in each network namespace of the lab, see `namespaces.ts`. Runs the commands that the test sends.
 * The first one (`root`) also starts the others and passes their messages on.
 */
interface Message {
  readonly host: string
  readonly id: number
  readonly type: 'host' | 'start' | 'signal' | 'input'
  readonly command?: readonly string[]
  readonly signal?: NodeJS.Signals
  readonly text?: string
}

const own = process.argv[2] ?? 'root'
const hosts = new Map<string, ChildProcess>()
const running = new Map<number, ChildProcess>()

process.on('disconnect', () => process.exit(0))
process.on('message', (given) => {
  const message = given as Message
  if (message.type === 'host') startHost(message)
  else if (message.host !== own) hosts.get(message.host)?.send(message)
  else if (message.type === 'start') startCommand(message)
  else if (message.type === 'input') running.get(message.id)?.stdin?.write(message.text ?? '')
  else signalGroup(message)
})
tell({ host: own, type: 'ready', pid: process.pid })

function startHost({ host }: Message): void {
  const mount = 'mount -t sysfs none /sys 2>/dev/null; mount -t tmpfs none /run; exec "$@"'
  const inside = [process.execPath, ...process.execArgv, process.argv[1]!, host]
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', mount, 'sh', ...inside], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  hosts.set(host, child)
  child.on('message', (message) => tell(message as object))
}

function startCommand({ id, command = [] }: Message): void {
  const [program = '', ...words] = command
  const child = spawn(program, words, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  running.set(id, child)
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => tell({ type: name, id, text }))
  child.stdin.on('error', () => undefined)
  child.on('error', (error) => tell({ type: 'stderr', id, text: error.message }))
  child.on('close', (status, signal) => {
    running.delete(id)
    tell({ type: 'end', id, status, signal })
  })
}

function signalGroup({ id, signal }: Message): void {
  const pid = running.get(id)?.pid
  if (pid !== undefined && signal !== undefined) process.kill(-pid, signal)
}

function tell(message: object): void {
  process.send?.(message)
}
