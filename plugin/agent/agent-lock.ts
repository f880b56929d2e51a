import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { HotStandbyError } from '../errors.ts'
import { stateUnreadable, WRITE_REMEDY } from '../files/durable-file.ts'
import { codeOf } from '../files/error-code.ts'
import { listenOnUnixSocket } from './unix-socket.ts'

export interface AgentLock {
  release(): Promise<void>
}

/**
 * One agent for one state directory. The lock is a listening socket, never a pid in a file: the kernel
 * closes it with the process, however that ends, and a reused pid means nothing to it. On Linux the socket
 * has an abstract name made of the directory's device and inode, so binding it is atomic and leaves no file
 * to clean up; a stopped (SIGSTOP) holder still holds it. `agent.lock` only tells people who holds it.
 * Errors: HS_AGENT_RUNNING.
 */
export async function acquireAgentLock(directory: string): Promise<AgentLock> {
  const server = createServer((socket) => socket.destroy())
  const note = join(directory, 'agent.lock')
  try {
    await bind(server, directory)
  } catch (cause) {
    if (codeOf(cause) !== 'EADDRINUSE' && !(cause instanceof HotStandbyError)) throw cause
    throw new HotStandbyError(
      'HS_AGENT_RUNNING',
      { reason: `${directory} is in use${await holderOf(note)}`, directory },
      { cause },
    )
  }
  server.unref()
  await writeNote(note)
  return { release: () => close(server) }
}

async function bind(server: Server, directory: string): Promise<void> {
  if (process.platform !== 'linux') {
    await listenOnUnixSocket(server, join(directory, 'agent-lock.sock'), 0o600)
    return
  }
  const { dev, ino } = await stat(directory)
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(`\0hot-standby-agent-${name}`, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function writeNote(path: string): Promise<void> {
  const note = { pid: process.pid, startedAt: new Date().toISOString() }
  try {
    await writeFile(path, `${JSON.stringify(note)}\n`, { mode: 0o600 })
  } catch (cause) {
    throw stateUnreadable(`${path} cannot be written`, cause, WRITE_REMEDY)
  }
}

/** For the message only; what the file says is never trusted for the decision. */
async function holderOf(path: string): Promise<string> {
  try {
    const note = JSON.parse(await readFile(path, 'utf8')) as { pid?: unknown; startedAt?: unknown }
    if (typeof note.pid !== 'number' || typeof note.startedAt !== 'string') return ''
    return ` by process ${note.pid}, started at ${note.startedAt}`
  } catch {
    return ''
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
