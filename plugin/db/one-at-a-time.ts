import type pg from 'pg'
import type { Queryable } from './transaction.ts'

/** One connection for several users: each query begins when the one before has ended, however it ended. */
export function oneAtATime(client: pg.Client): Queryable {
  const ask = (sql: string, values?: unknown[]): Promise<unknown> => client.query(sql, values)
  let last: Promise<unknown> = Promise.resolve()
  const query = (sql: string, values?: unknown[]): Promise<unknown> => {
    const answer = last.then(() => ask(sql, values))
    last = answer.catch(() => undefined)
    return answer
  }
  return { query } as unknown as Queryable
}
