import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { HotStandbyError } from '../errors.ts'
import { sqlStateOf } from './sql-state.ts'
import { LazyStream } from './stream-client.ts'

/** Opens connections to one database, all alike: no type parsers, pinned settings, an error handler. */
export interface Connector {
  /** Connects; the name is shown in `pg_stat_activity`. Errors: HS_DATABASE_UNREACHABLE. */
  open(name: string): Promise<pg.Client>
  /** The same for libraries that make their client themselves. */
  config(name: string): Promise<pg.ClientConfig>
}

/** What a stream to a database is, and who to log in as; the form of `ReplicationSource.connect()`. */
export interface StreamTarget {
  readonly stream: Duplex
  readonly user: string
  readonly password: string | null
  readonly database: string
}

/**
 * Formatting is pinned, or the settings of a role or database would leak into copied values; RLS is off, so that a
 * policy fails loudly instead of hiding rows; timeouts of a role must not end a long batch.
 */
const SESSION_SETTINGS = `
  set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set timezone = 'UTC';
  set extra_float_digits = 1; set bytea_output = hex; set lc_monetary = 'C'; set xmloption = content;
  set search_path = pg_catalog, pg_temp; set client_encoding = 'UTF8'; set row_security = off;
  set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off;
  set synchronous_commit = on;
  select pg_catalog.set_config(s.name, '0', false) from pg_catalog.pg_settings s where s.name = 'transaction_timeout'`

/** With the connection itself: a timeout of the role could else end the very statement that puts it off. */
const STARTUP_OPTIONS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
]
  .map((name) => `-c ${name}=0`)
  .join(' ')

const IDENTITY_PARSER = {
  getTypeParser: () => (value: unknown) => value,
} as unknown as pg.CustomTypesConfig

/** Connections by URL; the password comes from a file, never from the URL. */
export function urlConnector(url: string, passwordFile?: string): Connector {
  const config = async (name: string): Promise<pg.ClientConfig> =>
    Promise.resolve({
      ...common(name),
      // Not `connectionString`: pg would put the password that is not in it over the one of the file.
      ...parsedUrl(url),
      ...(passwordFile === undefined ? {} : { password: () => readPassword(passwordFile) }),
    })
  return { config, open: async (name) => connectClient(await config(name)) }
}

/** Connections through streams that somebody else opens, one stream each. */
export function streamConnector(connect: () => Promise<StreamTarget>): Connector {
  const openFirst = async (name: string): Promise<pg.ClientConfig> => {
    const first = await connect()
    let unused: StreamTarget | null = first
    let password = first.password
    const nextStream = async (): Promise<Duplex> => {
      const target = unused ?? (await connect())
      unused = null
      password = target.password
      return target.stream
    }
    return {
      ...common(name),
      user: first.user,
      database: first.database,
      password: () => password ?? '',
      host: 'localhost',
      ssl: false,
      stream: () => new LazyStream(nextStream),
    }
  }
  return { config: openFirst, open: async (name) => connectClient(await openFirst(name)) }
}

function common(name: string): pg.ClientConfig {
  return {
    application_name: `hot-standby ${name}`,
    options: STARTUP_OPTIONS,
    types: IDENTITY_PARSER,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    connectionTimeoutMillis: 10_000,
  }
}

async function connectClient(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config)
  // Without a handler a lost connection would end the process; the query in flight rejects by itself.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(SESSION_SETTINGS)
    return client
  } catch (cause) {
    await closeQuietly(client)
    throw unreachable(cause)
  }
}

/** Ends a connection whatever state it is in. */
export async function closeQuietly(client: pg.Client | null | undefined): Promise<void> {
  if (!client) return
  const stream = (client as unknown as { connection?: { stream?: Duplex } }).connection?.stream
  const timer = setTimeout(() => stream?.destroy(), 1000)
  await client.end().catch(() => undefined)
  clearTimeout(timer)
}

/** The first line of a password file is the password. Errors: HS_DATABASE_UNREACHABLE, which names the file. */
export function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (cause) {
    const reason = `the password file ${path} cannot be read`
    const remedy =
      'Correct the path in the configuration, or let the user of the agent read the file.'
    throw new HotStandbyError('HS_DATABASE_UNREACHABLE', { reason, remedy }, { cause })
  }
}

/** A URL may name certificate files, which are read here. */
function parsedUrl(url: string): pg.ClientConfig {
  try {
    return parseIntoClientConfig(url)
  } catch (cause) {
    throw unreachable(cause)
  }
}

/** What to do about a connection that PostgreSQL itself refused; by SQLSTATE. */
const LOG_IN_REMEDIES: Readonly<Record<string, string>> = {
  '3D000': 'Create the database, or correct its name in database.url and database.ownerUrl.',
  '28P01': 'Correct the password file, or the password of the role.',
  '28000': 'Create the role, or allow its log-in in pg_hba.conf.',
  '42501': 'Give the role the right to connect: `grant connect on database …`.',
  '53300': 'PostgreSQL has no connection left: raise max_connections, or end sessions.',
}

function unreachable(cause: unknown): HotStandbyError {
  if (cause instanceof HotStandbyError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const remedy = LOG_IN_REMEDIES[sqlStateOf(cause) ?? '']
  const details = remedy === undefined ? { reason } : { reason, remedy }
  return new HotStandbyError('HS_DATABASE_UNREACHABLE', details, { cause })
}
