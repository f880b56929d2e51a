import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { deleteOne, describeTables, insertStyles, updateOne } from '../../support/row-generator.ts'
import type { GeneratedTable } from '../../support/row-generator.ts'
import {
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const FOLDER = join(import.meta.dirname, '../../../../shared/pbx-schemas')
const ROWS = 6

describe('schemas of public telephony products', function () {
  this.timeout(180_000)
  if (!existsSync(FOLDER)) {
    it('are not here, so nothing is tried with them', function () {
      console.log(`      skipped: ${FOLDER} does not exist`)
      this.skip()
    })
    return
  }
  const clusters = useClusters()

  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    it(`${file}: filled, captured, changed and replicated`, async () => {
      const ddl = readFileSync(join(FOLDER, file), 'utf8')
      const schemas = await schemasOf(clusters().first.url(), clusters().first, ddl)
      const config = { replicatedSchemas: schemas }
      let active: TestServer | undefined
      let standby: TestServer | undefined
      try {
        active = await startServer(clusters().first, 'active', { ddl, config })
        standby = await startServer(clusters().second, 'standby', { ddl, config })
        const tables = await describeTables(active.sql)
        const own = tables.filter((table) => schemas.includes(table.schema))
        await fill(active.sql, own)
        await active.engine.promote(1)
        await standby.engine.follow(active.source(), 'test')
        await inSync(active, standby, 60_000)
        const changed = await change(active.sql, own)
        await inSync(active, standby, 60_000)
        await compare(active, standby, own)
        const filled = await countFilled(active.sql, own)
        const refused = standby.engine
          .status()
          .notReplicated.map((entry) => `${entry.name}: ${entry.reason}`)
        console.log(
          `      ${own.length} tables, ${filled} with rows; ${changed.updates} updated, ${changed.deletes} deleted, ${changed.inserts} inserted` +
            (refused.length === 0 ? '' : `; not replicated: ${refused.join('; ')}`),
        )
        assert.ok(changed.updates > 0 && changed.deletes > 0 && changed.inserts > 0)
        assert.ok(filled >= own.length * 0.8, `only ${filled} of ${own.length} tables got rows`)
      } finally {
        await Promise.all([active?.close(), standby?.close()])
      }
    })
  }
})

/** Tries the DDL in a database of its own, to learn its schemas. */
async function schemasOf(
  url: string,
  cluster: { url(database?: string): string },
  ddl: string,
): Promise<string[]> {
  const name = `schemas_${process.pid}`
  await withClient(url, (client) => client.query(`create database ${name}`))
  try {
    return await withClient(cluster.url(name), async (client) => {
      await client.query(ddl)
      const { rows } = await client.query<{ nspname: string }>(
        `select nspname from pg_catalog.pg_namespace where nspname !~ '^(pg_|information_schema)' order by 1`,
      )
      return rows.map((row) => row.nspname)
    })
  } finally {
    await withClient(url, (client) => client.query(`drop database ${name}`))
  }
}

/** As a restore would: foreign keys are not looked at, so the order of tables does not matter. */
async function fill(client: pg.Client, tables: readonly GeneratedTable[]): Promise<void> {
  await client.query('begin; set local session_replication_role = replica')
  for (const table of tables) {
    for (let n = 1; n <= ROWS; n++) await firstThatFits(client, insertStyles(table, n))
  }
  await client.query('commit')
}

/** Changes with triggers and foreign keys as in production; what a constraint refuses is left. */
async function change(
  client: pg.Client,
  tables: readonly GeneratedTable[],
): Promise<{ updates: number; deletes: number; inserts: number }> {
  const done = { updates: 0, deletes: 0, inserts: 0 }
  for (const [index, table] of tables.entries()) {
    await client.query('begin')
    const update = updateOne(table, 1000 + index)
    if (update !== null && (await firstThatFits(client, [update]))) done.updates++
    if (await firstThatFits(client, [deleteOne(table)])) done.deletes++
    if (await firstThatFits(client, insertStyles(table, 2000 + index))) done.inserts++
    await client.query('commit')
  }
  return done
}

async function firstThatFits(client: pg.Client, statements: readonly string[]): Promise<boolean> {
  for (const statement of statements) {
    await client.query('savepoint try')
    try {
      const result = await client.query(statement)
      await client.query('release savepoint try')
      return (result.rowCount ?? 0) > 0
    } catch {
      await client.query('rollback to savepoint try')
    }
  }
  return false
}

async function compare(
  active: TestServer,
  standby: TestServer,
  tables: readonly GeneratedTable[],
): Promise<void> {
  const status = standby.engine.status()
  const replicated = new Set(
    status.tables.filter((table) => table.state === 'replicated').map((table) => table.name),
  )
  const refused = new Set(status.notReplicated.map((entry) => entry.name))
  for (const table of tables) {
    const name = `${table.schema}.${table.name}`
    if (refused.has(name)) continue
    assert.ok(replicated.has(name), `${name} is neither replicated nor named with a reason`)
    assert.deepEqual(await rowsOf(standby, table.quoted), await rowsOf(active, table.quoted), name)
  }
  assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
}

async function countFilled(client: pg.Client, tables: readonly GeneratedTable[]): Promise<number> {
  let filled = 0
  for (const table of tables) {
    const { rows } = await client.query<{ filled: boolean }>(
      `select exists (select from ${table.quoted}) as filled`,
    )
    if (rows[0]?.filled === true) filled++
  }
  return filled
}
