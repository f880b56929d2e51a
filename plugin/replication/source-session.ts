import type pg from 'pg'
import { closeQuietly, type Connector } from '../db/connector.ts'
import { oneAtATime } from '../db/one-at-a-time.ts'
import { type Queryable, textRow } from '../db/transaction.ts'
import { NotReadyError } from './replication-error.ts'

/** The connections of a standby that applies: three to the active, two to its own database. */
export interface SourceSession {
  /** On the active: the batch's own transaction. */
  readonly reader: pg.Client
  /** On the active: ticks, which must not wait behind anything else. */
  readonly ticker: pg.Client
  /** On the active: looks at catalogue and sequences, acknowledgements; nothing that a batch waits for. */
  readonly observer: Queryable
  /** On this server: applies. */
  readonly writer: pg.Client
  /** On this server: makes what is applied durable while the writer goes on. */
  readonly settler: pg.Client
  /** One more to the active, for whoever needs one that can be ended alone. */
  readonly openReader: () => Promise<pg.Client>
  close(): Promise<void>
}

/** Any number: only one session may apply to a database at a time. It ends with the connection. */
const APPLY_LOCK = '7421000000000002'

export async function openSourceSession(
  source: Connector,
  local: Connector,
): Promise<SourceSession> {
  const clients: pg.Client[] = []
  let closed = false
  const open = async (connector: Connector, name: string): Promise<pg.Client> => {
    const client = await connector.open(name)
    clients.push(client)
    if (!closed) return client
    await closeQuietly(client)
    throw new NotReadyError('the connections to the active were closed')
  }
  const close = async (): Promise<void> => {
    closed = true
    await Promise.all(clients.map(closeQuietly))
  }
  try {
    const writer = await open(local, 'apply')
    await claimApply(writer)
    const reader = await open(source, 'read')
    const ticker = await open(source, 'tick')
    const observer = oneAtATime(await open(source, 'observe'))
    const settler = await open(local, 'settle')
    const openReader = (): Promise<pg.Client> => open(source, 'copy')
    return { reader, ticker, observer, writer, settler, openReader, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function claimApply(writer: pg.Client): Promise<void> {
  const row = await textRow(
    writer,
    `select pg_catalog.pg_try_advisory_lock(${APPLY_LOCK})::text as held`,
  )
  if (row?.['held'] !== 'true') throw new Error('another agent applies changes to this database')
}
