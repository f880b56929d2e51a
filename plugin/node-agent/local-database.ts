import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { AgentConfig } from '../config/agent-config.ts'
import { HotStandbyError } from '../errors.ts'

const DEFAULT_PORT = '5432'

/** How the peer logs in to this server's PostgreSQL through the tunnel: as this agent does. */
export function databaseAccess(config: AgentConfig['database']): {
  readonly user: string
  readonly password: string | null
  readonly database: string
} {
  const url = new URL(config.url)
  const user = decodeURIComponent(url.username)
  return {
    user,
    password:
      config.passwordFile === undefined
        ? null
        : readFileSync(config.passwordFile, 'utf8').trimEnd(),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
  }
}

/** A plain connection to the local PostgreSQL, for one tunnelled client. Errors: HS_DATABASE_UNREACHABLE. */
export function connectLocalDatabase(config: AgentConfig['database']): Promise<Socket> {
  const url = new URL(config.url)
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname)
  const port = url.port || url.searchParams.get('port') || DEFAULT_PORT
  const socket = host.startsWith('/')
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect({ host: withoutBrackets(host) || '127.0.0.1', port: Number(port), noDelay: true })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (cause) => {
      const reason = `${host}:${port} (${(cause as NodeJS.ErrnoException).code ?? cause.message})`
      reject(new HotStandbyError('HS_DATABASE_UNREACHABLE', { reason }, { cause }))
    })
  })
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
