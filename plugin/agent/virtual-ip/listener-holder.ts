import { connect, createServer, type Server, type Socket } from 'node:net'
import type { ForwardedPort, HolderAnswer, HolderRequest } from './holder-protocol.ts'

/**
 * A process of its own that listens on the virtual address and forwards to this server's ports. It is a
 * dead-man's switch, as the kernel's address lifetime is: without a renewal within the lease it exits, and
 * with it everything that it holds, so a hung agent loses the address without anyone's help. It exits at once
 * when the agent's end of the pipe closes.
 */
const open = new Set<Socket>()
let servers: readonly Server[] = []
let expiry: NodeJS.Timeout | undefined
let expiresAt = Number.POSITIVE_INFINITY

process.on('message', (message) => void serve(message as HolderRequest))
process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => undefined) // Ctrl-C reaches the whole group; the agent releases in its own order

async function serve(request: HolderRequest): Promise<void> {
  try {
    if (request.type === 'hold') await hold(request)
    else await release()
    answer({ id: request.id, failure: null })
  } catch (thrown) {
    await release()
    const { code = 'unknown error', port = null } = thrown as { code?: string; port?: number }
    answer({ id: request.id, failure: { code, port } })
  }
}

async function hold(request: Extract<HolderRequest, { type: 'hold' }>): Promise<void> {
  exitWhenExpired()
  clearTimeout(expiry)
  expiresAt = performance.now() + request.leaseMs
  expiry = setTimeout(() => process.exit(0), request.leaseMs)
  if (servers.length > 0) return
  const started: Server[] = []
  servers = started
  for (const forwarded of request.forward) started.push(await listen(request.address, forwarded))
}

/** After a stop (SIGSTOP) messages and connections can be read before the timer fires. */
function exitWhenExpired(): void {
  if (performance.now() > expiresAt) process.exit(0)
}

async function release(): Promise<void> {
  clearTimeout(expiry)
  expiresAt = Number.POSITIVE_INFINITY
  const closing = servers
  servers = []
  for (const socket of open) socket.destroy()
  await Promise.all(
    closing.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  )
}

function listen(address: string, forwarded: ForwardedPort): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
    forward(client, forwarded.to),
  )
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(Object.assign(error, { port: forwarded.port })))
    server.listen({ host: address, port: forwarded.port }, () => resolve(server))
  })
}

function forward(client: Socket, to: string): void {
  exitWhenExpired()
  const colon = to.lastIndexOf(':')
  const host = to.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(to.slice(colon + 1))
  const target = connect({ host, port, allowHalfOpen: true, noDelay: true })
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    open.add(one)
    one.on('error', () => other.destroy())
    one.on('close', () => {
      open.delete(one)
      other.destroy()
    })
  }
  client.pipe(target)
  target.pipe(client)
}

function answer(message: HolderAnswer): void {
  process.send?.(message, () => undefined) // the agent may be gone; then 'disconnect' ends us
}
