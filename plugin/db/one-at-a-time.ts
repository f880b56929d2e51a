import type pg from 'pg'
import type { Queryable } from './transaction.ts'

/** One connection for several users: each query begins when the one before has ended, however it ended. */
export function oneAtATime(client: pg.Client): Queryable {
  let last: Promise<unknown> = Promise.resolve()
  const query = (...words: Parameters<pg.Client['query']>): Promise<unknown> => {
    const next = last.then(() => client.query(...words) as unknown)
    last = next.catch(() => undefined)
    return next
  }
  return { query } as unknown as Queryable
}
