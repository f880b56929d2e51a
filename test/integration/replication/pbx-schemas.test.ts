import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { inSync, rowsOf, startServer, useClusters } from '../../support/database.ts'
import {
  deleteRow,
  describeTables,
  type GeneratedTable,
  insertRow,
  updateRows,
} from '../../support/generate-rows.ts'

const FOLDER = fileURLToPath(new URL('../../../../shared/pbx-schemas', import.meta.url))
const ROWS_BEFORE = 4
const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.sql')) : []

describe('schemas of public telephony products', function () {
  this.timeout(180_000)
  if (files.length === 0) {
    it('are replicated', function () {
      console.log(`skipped: ${FOLDER} is not there`)
      this.skip()
    })
    return
  }
  const clusters = useClusters()

  for (const file of files) {
    it(`${file}: created, filled, captured, changed, replicated`, async () => {
      const text = readFileSync(join(FOLDER, file), 'utf8')
      const schemas = [...text.matchAll(/^CREATE SCHEMA (\w+);/gm)].map((match) => match[1] ?? '')
      const { first, second } = clusters()
      const ddl = schemas.map((schema) => `create schema ${schema};`).join('')
      const config = { replicatedSchemas: schemas }
      const active = await startServer(first, 'first', { ddl, config })
      const standby = await startServer(second, 'second', { ddl, config })
      try {
        const refused = await createSchema(active.sql, text)
        await createSchema(standby.sql, text)
        const tables = await describeTables(active.sql, schemas)
        const filled = await fill(active.sql, tables)
        for (const server of [active, standby]) {
          await migrateDatabase(server.config)
          await server.restartEngine()
        }
        await active.engine.promote(1)
        await standby.engine.follow(
          active.source(() => 1),
          'test',
        )
        await inSync(active, standby, 60_000)
        const changed = await change(active.sql, tables)
        await inSync(active, standby, 60_000)

        const status = standby.engine.status()
        const captured = new Set(status.tables.map((table) => table.name))
        const left = tables.filter((table) => !captured.has(table.name))
        for (const { name } of left) {
          const named = status.notReplicated.find((one) => one.name === name)
          assert.ok(named !== undefined && named.reason !== '', `${name} is left out silently`)
        }
        for (const table of tables.filter((one) => captured.has(one.name)))
          assert.deepEqual(
            await rowsOf(standby, table.sql),
            await rowsOf(active, table.sql),
            table.name,
          )
        assert.deepEqual(
          status.tables.filter((table) => table.state !== 'replicated'),
          [],
        )
        assert.ok(filled > tables.length / 2 && changed > 0, `only ${filled} tables got rows`)
        console.log(
          `      ${tables.length} tables, ${filled} with rows, ${changed} changes, ` +
            `left out: ${status.notReplicated.map((one) => `${one.name} (${one.reason})`).join('; ') || 'nothing'}` +
            (refused.length === 0 ? '' : `; not created here: ${refused.join('; ')}`),
        )
      } finally {
        await Promise.all([active.close(), standby.close()])
      }
    })
  }
})

/** Statement by statement: an extension that this server's build lacks, and what needs it, is named and left out. */
async function createSchema(client: pg.Client, text: string): Promise<string[]> {
  const refused: string[] = []
  for (const statement of text.replaceAll(/^CREATE SCHEMA .*;$/gm, '').split(/;\s*\n/)) {
    if (statement.trim() === '') continue
    await client.query(statement).catch((error: unknown) => {
      refused.push(`${statement.trim().split('\n')[0] ?? ''} (${(error as Error).message})`)
    })
  }
  return refused
}

/** Rows from before the pair; foreign keys are not checked, since the generator knows nothing of them. */
async function fill(client: pg.Client, tables: readonly GeneratedTable[]): Promise<number> {
  let filled = 0
  await client.query('set session_replication_role = replica')
  for (const table of tables) {
    let inserted = false
    for (let i = 1; i <= ROWS_BEFORE; i++)
      inserted = (await insertRow(client, table, i)) || inserted
    if (inserted) filled++
  }
  await client.query('set session_replication_role = origin')
  return filled
}

async function change(client: pg.Client, tables: readonly GeneratedTable[]): Promise<number> {
  let changes = 0
  for (const table of tables) {
    const done = [
      await insertRow(client, table, 50),
      await updateRows(client, table),
      await deleteRow(client, table),
    ]
    changes += done.filter(Boolean).length
  }
  return changes
}
