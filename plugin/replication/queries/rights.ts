import { qualifiedName, quoteName } from '../../db/identifiers.ts'
import { type Queryable, type TextRow, textRow, textRows } from '../../db/transaction.ts'

/*
 * Only what is missing is granted. A grant rewrites the row of its object in the catalogue without a lock on the object:
 * whoever truncates or alters it at that moment, a promotion or the platform's own migration, fails with `tuple
 * concurrently updated`.
 */

const TABLE_RIGHTS = ['select', 'insert', 'update', 'delete']
const SEQUENCE_RIGHTS = ['select', 'usage', 'update']

/** What a role may do beyond the rights on relations; null when the role is not there. */
export async function roleExists(db: Queryable, role: string): Promise<TextRow | null> {
  return textRow(
    db,
    `select rolsuper::text, rolbypassrls::text, (rolsuper or rolbypassrls)::text as reads_all,
       (rolsuper or pg_catalog.has_parameter_privilege(oid, 'session_replication_role', 'set'))::text as may_replicate
     from pg_catalog.pg_roles where rolname = $1`,
    [role],
  )
}

/** The role that runs the statements. */
export async function currentRole(db: Queryable): Promise<string> {
  const row = await textRow(db, 'select current_user::text as role')
  return row?.['role'] ?? ''
}

/** Grants a role what replication needs on one table, when it has not got it yet. */
export function grantTable(db: Queryable, quotedTable: string, role: string): Promise<void> {
  return grantOn(db, { kind: 'table', name: quotedTable, quoted: quotedTable }, TABLE_RIGHTS, role)
}

/** Schemas and sequences, and our own schema: everything in it but the right to change its shape. */
export async function grantSchemas(
  db: Queryable,
  input: {
    readonly ownSchema: string
    readonly schemas: readonly string[]
    readonly role: string
  },
): Promise<void> {
  const { ownSchema, schemas, role } = input
  for (const schema of [ownSchema, ...schemas]) await grantSchema(db, schema, ['usage'], role)
  await grantRelations(db, {
    kind: 'sequence',
    schemas: [ownSchema, ...schemas],
    rights: SEQUENCE_RIGHTS,
    role,
  })
  await grantRelations(db, {
    kind: 'table',
    schemas: [ownSchema],
    rights: [...TABLE_RIGHTS, 'truncate'],
    role,
  })
}

/** The role that capture functions run as: it may write the journal and nothing else. */
export async function prepareCaptureOwner(
  db: Queryable,
  schema: string,
  role: string,
): Promise<void> {
  const known = await textRow(db, 'select from pg_catalog.pg_roles where rolname = $1', [role])
  if (known === null) await db.query(`create role ${quoteName(role)} nologin`)
  const member = await textRow(
    db,
    `select pg_catalog.pg_has_role(current_user, $1, 'member')::text as member`,
    [role],
  )
  if (member?.['member'] !== 'true') await db.query(`grant ${quoteName(role)} to current_user`)
  await grantSchema(db, schema, ['usage', 'create'], role)
  const relations = { schemas: [schema], role }
  await grantRelations(db, {
    ...relations,
    kind: 'table',
    rights: ['select', 'insert'],
    names: ['journal'],
  })
  await grantRelations(db, {
    ...relations,
    kind: 'table',
    rights: ['select'],
    names: ['server_state'],
  })
  await grantRelations(db, {
    ...relations,
    kind: 'sequence',
    rights: ['select'],
    names: ['capture_mode'],
  })
  await grantRelations(db, { ...relations, kind: 'sequence', rights: ['usage'] })
  for (const name of ['wake_reader()', 'refuse_write(text, text)']) {
    await giveFunction(db, `${quoteName(schema)}.${name}`, role)
  }
  await giveCaptureFunctions(db, schema, role)
}

/** Those that were installed before the role could be their owner. */
async function giveCaptureFunctions(db: Queryable, schema: string, role: string): Promise<void> {
  const others = await textRows(
    db,
    `select p.proname as name from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname = $1 and p.proname ~ '^capture_[0-9]+$'
       and p.proowner <> (select oid from pg_catalog.pg_roles where rolname = $2)
     order by 1`,
    [schema, role],
  )
  for (const { name } of others) {
    const signature = `${qualifiedName(schema, name ?? '')}()`
    await db.query(`alter function ${signature} owner to ${quoteName(role)}`)
  }
}

function grantSchema(
  db: Queryable,
  schema: string,
  rights: readonly string[],
  role: string,
): Promise<void> {
  return grantOn(db, { kind: 'schema', name: schema, quoted: quoteName(schema) }, rights, role)
}

/** `name`: as the functions of PostgreSQL take it, a schema without quotes. */
async function grantOn(
  db: Queryable,
  object: {
    readonly kind: 'table' | 'schema'
    readonly name: string
    readonly quoted: string
  },
  rights: readonly string[],
  role: string,
): Promise<void> {
  const { kind, name, quoted } = object
  const row = await textRow(
    db,
    `select bool_and(pg_catalog.has_${kind}_privilege($1, $2, p))::text as has_all
     from unnest($3::text[]) p`,
    [role, name, rights],
  )
  if (row?.['has_all'] === 'true') return
  await db.query(`grant ${rights.join(', ')} on ${kind} ${quoted} to ${quoteName(role)}`)
}

async function grantRelations(
  db: Queryable,
  input: {
    readonly kind: 'table' | 'sequence'
    readonly schemas: readonly string[]
    readonly rights: readonly string[]
    readonly role: string
    /** Only these; all when not given. */
    readonly names?: readonly string[]
  },
): Promise<void> {
  const { kind, schemas, rights, role, names } = input
  const missing = await textRows(
    db,
    `select n.nspname as schema, c.relname as name
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relkind::text = any ($2::text[])
       and ($3::text[] is null or c.relname = any ($3::text[]))
       and not (select bool_and(pg_catalog.has_${kind}_privilege($4, c.oid, p)) from unnest($5::text[]) p)
     order by 1, 2`,
    [schemas, kind === 'table' ? ['r'] : ['S'], names ?? null, role, rights],
  )
  for (const row of missing) {
    const name = qualifiedName(row['schema'] ?? '', row['name'] ?? '')
    await db.query(`grant ${rights.join(', ')} on ${kind} ${name} to ${quoteName(role)}`)
  }
}

/** Makes the role the owner of a function that nobody else may call. */
async function giveFunction(db: Queryable, signature: string, role: string): Promise<void> {
  const row = await textRow(
    db,
    `select (proowner = (select oid from pg_catalog.pg_roles where rolname = $2))::text as owned,
       pg_catalog.has_function_privilege('public', oid, 'execute')::text as public
     from pg_catalog.pg_proc where oid = $1::regprocedure`,
    [signature, role],
  )
  if (row?.['public'] === 'true') {
    await db.query(`revoke all on function ${signature} from public`)
  }
  if (row?.['owned'] !== 'true') {
    await db.query(`alter function ${signature} owner to ${quoteName(role)}`)
  }
}
