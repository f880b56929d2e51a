import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * One process in each network namespace of the lab, see `namespaces.ts`. Runs the commands that the test sends.
 * The first one (`root`) also starts the others and passes their messages on.
 */
interface Message {
  readonly host: string
  readonly id: number
  readonly type: 'host' | 'start' | 'signal' | 'input'
  readonly command?: readonly string[]
  /** Belongs to the test, not to the host: a signal to everything passes it by. */
  readonly spared?: boolean
  readonly whom?: 'group' | 'process' | 'tree' | 'everything'
  readonly signal?: NodeJS.Signals
  readonly text?: string
}

const own = process.argv[2] ?? 'root'
const hosts = new Map<string, ChildProcess>()
const running = new Map<number, ChildProcess>()
const spared = new Set<number>([process.pid])

process.on('disconnect', () => process.exit(0))
process.on('message', (given) => {
  const message = given as Message
  if (message.type === 'host') startHost(message)
  else if (message.host !== own) hosts.get(message.host)?.send(message)
  else if (message.type === 'start') startCommand(message)
  else if (message.type === 'input') running.get(message.id)?.stdin?.write(message.text ?? '')
  else sendSignal(message)
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

function startCommand({ id, command = [], spared: isSpared = false }: Message): void {
  const [program = '', ...words] = command
  const child = spawn(program, words, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  running.set(id, child)
  if (isSpared && child.pid !== undefined) spared.add(child.pid)
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => tell({ type: name, id, text }))
  child.stdin.on('error', () => undefined)
  child.on('error', (error) => tell({ type: 'stderr', id, text: error.message }))
  child.on('close', (status, signal) => {
    running.delete(id)
    tell({ type: 'end', id, status, signal })
  })
}

function sendSignal({ id, signal = 'SIGTERM', whom = 'group' }: Message): void {
  if (whom === 'everything') {
    signalEverything(signal)
    return
  }
  const pid = running.get(id)?.pid
  if (pid === undefined) return
  if (whom === 'process') quietly(pid, signal)
  else if (whom === 'group') quietly(-pid, signal)
  else for (const each of treeOf(pid)) quietly(each, signal)
}

/** Twice, for what was being started meanwhile. */
function signalEverything(signal: NodeJS.Signals): void {
  const network = readlinkSync('/proc/self/ns/net')
  for (let round = 0; round < 2; round += 1)
    for (const pid of processes())
      if (!spared.has(pid) && networkOf(pid) === network) quietly(pid, signal)
}

function treeOf(root: number): number[] {
  const parents = new Map(processes().map((pid) => [pid, parentOf(pid)]))
  const tree = [root]
  for (const parent of tree)
    for (const [pid, its] of parents) if (its === parent && !tree.includes(pid)) tree.push(pid)
  return tree
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return '' // It has ended.
  }
}

function parentOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
    return Number(fields?.[1])
  } catch {
    return 0
  }
}

function quietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

function tell(message: object): void {
  process.send?.(message)
}
