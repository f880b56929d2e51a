import type pg from 'pg'

/** What runs SQL: a client, or anything with the same `query`. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** Every value arrives as text or null: replication clients parse nothing. */
export type TextRow = Readonly<Record<string, string | null>>

/** Rows of a query as text. */
export async function textRows(
  db: Queryable,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly TextRow[]> {
  const result = await db.query<TextRow>(sql, [...values])
  return result.rows
}

/** The first row, or null. */
export async function textRow(
  db: Queryable,
  sql: string,
  values: readonly unknown[] = [],
): Promise<TextRow | null> {
  return (await textRows(db, sql, values))[0] ?? null
}

/** Runs `work` between `begin` and `commit`; rolls back when it throws. */
export async function inTransaction<Result>(
  client: Queryable,
  work: () => Promise<Result>,
  begin = 'begin',
): Promise<Result> {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}
