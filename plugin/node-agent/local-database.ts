import { connect, type Socket } from 'node:net'
import type { AgentConfig } from '../config/agent-config.ts'
import { type DatabaseUrl, parseDatabaseUrl } from '../config/database-url.ts'
import { readPassword } from '../db/connector.ts'
import { HotStandbyError } from '../errors.ts'

/** How the peer logs in to this server's PostgreSQL through the tunnel: as this agent does. */
export function databaseAccess(config: AgentConfig['database']): {
  readonly user: string
  readonly password: string | null
  readonly database: string
} {
  const { user, database } = urlOf(config)
  const { passwordFile } = config
  const password = passwordFile === undefined ? null : readPassword(passwordFile)
  return { user, password, database }
}

/** A plain connection to the local PostgreSQL, for one tunnelled client. Errors: HS_DATABASE_UNREACHABLE. */
export function connectLocalDatabase(config: AgentConfig['database']): Promise<Socket> {
  const { host, port } = urlOf(config)
  const socket = host.startsWith('/')
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect({ host, port, noDelay: true })
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

/** The configuration was checked when it was read. */
function urlOf({ url }: AgentConfig['database']): DatabaseUrl {
  const parsed = parseDatabaseUrl(url)
  if (parsed === null) throw new HotStandbyError('HS_CONFIG_INVALID', { reason: 'database.url' })
  return parsed
}
