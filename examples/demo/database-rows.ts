import pg from 'pg'
import { OWN_TABLES } from './pbx-server.ts'

/** Every row of every replicated table as text, by table; own connection, one snapshot. */
export type DatabaseRows = ReadonlyMap<string, readonly string[]>

export async function readRows(database: pg.ClientConfig): Promise<DatabaseRows> {
  return withClient(database, async (client) => {
    await client.query('begin isolation level repeatable read read only')
    const { rows: tables } = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not (c.relname = any ($1)) order by 1`,
      [OWN_TABLES],
    )
    const found = new Map<string, readonly string[]>()
    for (const { name } of tables) {
      const table = pg.escapeIdentifier(name)
      const { rows } = await client.query<{ text: string }>(
        `select t::text as text from public.${table} t order by 1`,
      )
      found.set(
        name,
        rows.map((row) => row.text),
      )
    }
    await client.query('commit')
    return found
  })
}

/** Null when both are identical, else the first difference in words. */
export function firstDifference(one: DatabaseRows, other: DatabaseRows): string | null {
  const names = [...new Set([...one.keys(), ...other.keys()])].sort()
  for (const name of names) {
    const [left, right] = [one.get(name) ?? [], other.get(name) ?? []]
    const missing =
      left.find((row) => !right.includes(row)) ?? right.find((row) => !left.includes(row))
    if (missing !== undefined) return `${name}: ${missing} is on one server only`
    if (left.length !== right.length) return `${name}: ${left.length} and ${right.length} rows`
  }
  return null
}

export function countRows(rows: DatabaseRows): number {
  return [...rows.values()].reduce((sum, table) => sum + table.length, 0)
}

export async function withClient<T>(
  database: pg.ClientConfig,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(database)
  client.on('error', () => undefined) // The server may be killed at any time; the query says so.
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
