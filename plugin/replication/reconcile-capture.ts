import { isLockTimeout, describeSqlError } from '../db/sql-state.ts'
import { delay } from '../db/delay.ts'
import { type QuotedName, quoteName } from '../db/identifiers.ts'
import { inTransaction, type Queryable } from '../db/transaction.ts'
import { type CaptureDefinition, defineCapture, excludedNames } from './capture-sql.ts'
import { prepareCaptureOwner } from './capture-owner.ts'
import type { DatabaseConfig } from './database-config.ts'
import * as queries from './queries/capture.ts'
import * as rights from './queries/rights.ts'
import { displayName, quotedTable, type TableDescription } from './table-description.ts'
import { readTableCatalogue } from './table-catalogue.ts'

/** What became of each table; names are `schema.table`. */
export interface CaptureReport {
  readonly installed: readonly string[]
  readonly unchanged: readonly string[]
  readonly removed: readonly string[]
  readonly excluded: readonly { readonly name: string; readonly reason: string }[]
  readonly impossible: readonly { readonly name: string; readonly reason: string }[]
  /** Statements that only a superuser can run, and that are missing. */
  readonly missingRights: readonly string[]
  /** Statements with which a superuser gives the capture functions an owner that may only write the journal. */
  readonly missingOwner: readonly string[]
}

const LOCK_TIMEOUT_MS = 400
const LOCK_ATTEMPTS = 40

/** Two that install at once, the agent and `hot-standby migrate`, would replace each other's functions. */
const INSTALL_LOCK = '7421000000000003'

/**
 * Makes capture match the tables as they are now. Idempotent; every table in a short transaction of its own, which
 * waits for the table's lock only briefly and tries again, so that the PBX goes on working.
 */
export async function reconcileCapture(
  client: Queryable,
  config: DatabaseConfig,
  replicatorRole: string,
): Promise<CaptureReport> {
  await client.query(`select pg_catalog.pg_advisory_lock(${INSTALL_LOCK})`)
  try {
    return await reconcile(client, config, replicatorRole)
  } finally {
    // A connection that broke has let it go.
    await client
      .query(`select pg_catalog.pg_advisory_unlock(${INSTALL_LOCK})`)
      .catch(() => undefined)
  }
}

async function reconcile(
  client: Queryable,
  config: DatabaseConfig,
  replicatorRole: string,
): Promise<CaptureReport> {
  const schema = quoteName(config.schema)
  const catalogue = await readTableCatalogue(client, config)
  const owner = await prepareCaptureOwner(client, config.schema)
  const before = await queries.readCapturedTables(client, schema)
  const context = { config, schema, owner: owner.name, replicatorRole }
  const triggers = await queries.readInstalledTriggers(client, config.schema)
  const installed: string[] = []
  const unchanged: string[] = []
  const impossible = catalogue.notReplicated.filter((entry) => entry.why === 'impossible')
  const failed: { name: string; reason: string }[] = []
  for (const table of catalogue.tables) {
    try {
      const outcome = isUnchanged(context, table, before, triggers)
        ? await keepTable(client, context, table)
        : await installTable(client, context, table, before)
      ;(outcome === 'installed' ? installed : unchanged).push(displayName(table))
    } catch (error) {
      failed.push({ name: displayName(table), reason: describeSqlError(error) })
    }
  }
  const kept = new Set(catalogue.tables.map(displayName))
  const removed = await removeCaptures(
    client,
    config,
    before.filter((table) => !kept.has(displayName(table))),
  )
  const missingRights = await grantRole(client, config, catalogue.tables, replicatorRole)
  return {
    installed,
    unchanged,
    removed,
    excluded: catalogue.notReplicated.filter((entry) => entry.why === 'excluded'),
    impossible: [...impossible, ...failed],
    missingRights,
    missingOwner: owner.missing,
  }
}

interface InstallContext {
  readonly config: DatabaseConfig
  readonly schema: QuotedName
  readonly owner: QuotedName | null
  readonly replicatorRole: string
}

/** Known from one look at all tables, because most runs find most tables as they were. */
function isUnchanged(
  { schema, config }: InstallContext,
  table: TableDescription,
  captured: readonly queries.CapturedTable[],
  triggers: readonly queries.InstalledTrigger[],
): boolean {
  const former = captured.find((row) => displayName(row) === displayName(table))
  if (former === undefined) return false
  const { journalCapBytes } = config
  const definition = defineCapture({ schema, journalCapBytes }, former.tableId, table)
  return (
    former.definitionHash === definition.hash &&
    former.rowFilter === table.rowFilter &&
    former.excludedColumns.join() === excludedNames(table).join() &&
    hasTriggers(triggers, definition, table)
  )
}

async function keepTable(
  client: Queryable,
  context: InstallContext,
  table: TableDescription,
): Promise<'unchanged'> {
  await grantIfRoleExists(client, table, context.replicatorRole)
  return 'unchanged'
}

async function installTable(
  client: Queryable,
  context: InstallContext,
  table: TableDescription,
  before: readonly queries.CapturedTable[],
): Promise<'installed' | 'unchanged'> {
  return withLockRetry(() =>
    inTransaction(client, async () => {
      await queries.setLocalLockTimeout(client, LOCK_TIMEOUT_MS)
      const former = before.find((row) => displayName(row) === displayName(table))
      const tableId = await queries.claimTableId(client, context.schema, {
        schema: table.schema,
        name: table.name,
        capture: table.key === null ? 'wholeTable' : 'key',
        keyColumns: table.key?.columns.map((column) => column.name) ?? [],
        keySlot: table.key?.slot ?? null,
        excludedColumns: excludedNames(table),
        rowFilter: table.rowFilter,
      })
      const { schema, config } = context
      const { journalCapBytes } = config
      const definition = defineCapture({ schema, journalCapBytes }, tableId, table)
      await grantIfRoleExists(client, table, context.replicatorRole)
      if (
        former?.definitionHash === definition.hash &&
        (await isInstalled(client, context, definition, table))
      ) {
        return 'unchanged'
      }
      await install(client, context, definition)
      await queries.saveDefinitionHash(client, context.schema, tableId, definition.hash)
      return 'installed'
    }),
  )
}

async function isInstalled(
  client: Queryable,
  context: InstallContext,
  definition: CaptureDefinition,
  table: TableDescription,
): Promise<boolean> {
  const installed = await queries.readInstalledTriggers(
    client,
    context.config.schema,
    definition.functionName,
  )
  return hasTriggers(installed, definition, table)
}

function hasTriggers(
  installed: readonly queries.InstalledTrigger[],
  definition: CaptureDefinition,
  table: TableDescription,
): boolean {
  const found = installed.filter((trigger) => trigger.functionName === definition.functionName)
  return (
    found.length === definition.triggers.length &&
    found.every((trigger) => trigger.enabled) &&
    found.filter((trigger) => trigger.tableOid === table.oid).length ===
      definition.triggers.filter((trigger) => trigger.table === quotedTable(table)).length
  )
}

async function install(
  client: Queryable,
  context: InstallContext,
  definition: CaptureDefinition,
): Promise<void> {
  const { schema, owner, config } = context
  const { functionName } = definition
  for (const trigger of await queries.readInstalledTriggers(client, config.schema, functionName)) {
    await queries.dropTrigger(client, trigger.name, trigger.table)
  }
  await queries.createCaptureFunction(client, {
    schema,
    name: definition.functionName,
    sql: definition.functionSql,
    owner: null,
  })
  for (const trigger of definition.triggers) {
    // A copy of a table (a restore, CREATE TABLE ... LIKE) may have brought a trigger of this name along.
    await queries.dropTrigger(client, trigger.name, trigger.table)
    await client.query(trigger.sql)
  }
  if (owner !== null) {
    await client.query(`alter function ${schema}.${definition.functionName}() owner to ${owner}`)
  }
}

async function withLockRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isLockTimeout(error) || attempt >= LOCK_ATTEMPTS) throw error
      await delay(Math.min(50 * attempt, 500))
    }
  }
}

/** Removes capture of tables that are gone or excluded now; returns their names. */
export async function removeCaptures(
  client: Queryable,
  config: DatabaseConfig,
  tables: readonly queries.CapturedTable[],
): Promise<readonly string[]> {
  const schema = quoteName(config.schema)
  const removed: string[] = []
  for (const table of tables) {
    await withLockRetry(() =>
      inTransaction(client, async () => {
        await queries.setLocalLockTimeout(client, LOCK_TIMEOUT_MS)
        const functionName = `capture_${table.tableId}`
        for (const trigger of await queries.readInstalledTriggers(client, config.schema)) {
          if (trigger.functionName === functionName) {
            await queries.dropTrigger(client, trigger.name, trigger.table)
          }
        }
        await queries.dropCaptureFunction(client, schema, functionName)
        await queries.forgetCapturedTable(client, schema, table.tableId)
      }),
    )
    removed.push(displayName(table))
  }
  return removed
}

async function grantIfRoleExists(
  client: Queryable,
  table: TableDescription,
  role: string,
): Promise<void> {
  if ((await rights.roleExists(client, role)) === null) return
  await rights.grantTable(client, quotedTable(table), role)
}

async function grantRole(
  client: Queryable,
  config: DatabaseConfig,
  tables: readonly TableDescription[],
  roleName: string,
): Promise<readonly string[]> {
  const role = quoteName(roleName)
  const known = await rights.roleExists(client, roleName)
  if (known === null) {
    return [
      `create role ${role} login;`,
      `grant set on parameter session_replication_role to ${role};`,
    ]
  }
  await rights.grantSchemas(client, {
    ownSchema: config.schema,
    schemas: config.replicatedSchemas,
    role: roleName,
  })
  const missing: string[] = []
  if (known['may_replicate'] !== 'true') {
    missing.push(`grant set on parameter session_replication_role to ${role};`)
  }
  if (known['reads_all'] !== 'true' && tables.some((table) => table.rowSecurity)) {
    missing.push(`alter role ${role} bypassrls;`)
  }
  return missing
}
