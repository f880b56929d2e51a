import assert from 'node:assert/strict'
import type pg from 'pg'
import { oneAtATime } from '../../../plugin/db/one-at-a-time.ts'

describe('one connection for several users', () => {
  it('asks the next question when the one before is answered or has failed', async () => {
    const log: string[] = []
    const client = {
      async query(sql: string) {
        log.push(`begin ${sql}`)
        await new Promise((resolve) => setImmediate(resolve))
        log.push(`end ${sql}`)
        if (sql === 'fails') throw new Error(sql)
        return sql
      },
    }
    const shared = oneAtATime(client as unknown as pg.Client)
    const asked = ['one', 'fails', 'two'].map((sql) => shared.query(sql))
    const ended = await Promise.allSettled(asked)
    assert.deepEqual(
      ended.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(
      log,
      ['one', 'fails', 'two'].flatMap((sql) => [`begin ${sql}`, `end ${sql}`]),
    )
  })
})
