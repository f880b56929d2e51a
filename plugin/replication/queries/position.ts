import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'

/** How far this server has applied another one; the row of `applied_position`. */
export interface StoredPosition {
  readonly sourceId: string
  readonly sourceTerm: number
  readonly generation: string
  readonly snapshot: string
  /** The newest tick that is known to be durable: the one of `snapshot`, or an earlier one. */
  readonly tickId: string
  readonly tickSnapshot: string
  readonly state: 'copying' | 'applied'
}

export async function readPosition(
  db: Queryable,
  schema: QuotedName,
): Promise<StoredPosition | null> {
  const row = await textRow(
    db,
    `select source_id, source_term::text, source_generation::text, snapshot::text, tick_id::text,
       tick_snapshot::text, state
     from ${schema}.applied_position`,
  )
  if (row === null) return null
  return {
    sourceId: row['source_id'] ?? '',
    sourceTerm: Number(row['source_term'] ?? 0),
    generation: row['source_generation'] ?? '',
    snapshot: row['snapshot'] ?? '',
    tickId: row['tick_id'] ?? '0',
    tickSnapshot: row['tick_snapshot'] ?? '',
    state: row['state'] as StoredPosition['state'],
  }
}

/** Begins a new lineage, or says that a copy has begun. */
export async function savePosition(
  db: Queryable,
  schema: QuotedName,
  position: StoredPosition,
): Promise<void> {
  await db.query(
    `insert into ${schema}.applied_position (source_id, source_term, source_generation, snapshot, tick_id,
       tick_snapshot, state)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (only_row) do update set source_id = excluded.source_id, source_term = excluded.source_term,
       source_generation = excluded.source_generation, snapshot = excluded.snapshot, tick_id = excluded.tick_id,
       tick_snapshot = excluded.tick_snapshot, state = excluded.state, applied_at = clock_timestamp()`,
    [
      position.sourceId,
      position.sourceTerm,
      position.generation,
      position.snapshot,
      position.tickId,
      position.tickSnapshot,
      position.state,
    ],
  )
}

/** Goes forward from exactly `from`; fails when somebody else has moved the position. */
export async function advancePosition(
  db: Queryable,
  schema: QuotedName,
  from: StoredPosition,
  to: StoredPosition,
): Promise<void> {
  await db.query(`select ${schema}.move_position($1, $2, $3, $4, $5, $6, $7)`, [
    from.sourceId,
    from.generation,
    from.snapshot,
    to.sourceTerm,
    to.snapshot,
    to.tickId,
    to.tickSnapshot,
  ])
}

export async function forgetPosition(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`delete from ${schema}.applied_position`)
}

export interface ReplicatedTableRow {
  readonly schema: string
  readonly name: string
  readonly state: 'replicated' | 'quarantined'
  readonly reason: string | null
  readonly sourceSignal: string | null
  readonly lastChangeAt: string | null
  readonly lastCheckedAt: string | null
  readonly rowCount: number | null
}

export async function readReplicatedTables(
  db: Queryable,
  schema: QuotedName,
): Promise<readonly ReplicatedTableRow[]> {
  const rows = await textRows(
    db,
    `select schema_name, table_name, state, reason, source_signal, row_count::text,
       pg_catalog.to_char(last_change_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as changed,
       pg_catalog.to_char(last_checked_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as checked
     from ${schema}.replicated_table`,
  )
  return rows.map((row) => ({
    schema: row['schema_name'] ?? '',
    name: row['table_name'] ?? '',
    state: row['state'] as ReplicatedTableRow['state'],
    reason: row['reason'] ?? null,
    sourceSignal: row['source_signal'] ?? null,
    lastChangeAt: row['changed'] ?? null,
    lastCheckedAt: row['checked'] ?? null,
    rowCount: row['row_count'] == null ? null : Number(row['row_count']),
  }))
}

/** Writes the state of some tables in one statement; what is null stays as it is. */
export async function saveTableStates(
  db: Queryable,
  schema: QuotedName,
  tables: readonly {
    readonly schema: string
    readonly name: string
    readonly state: 'replicated' | 'quarantined'
    readonly reason: string | null
    readonly signal: string | null
    readonly changed: boolean
    /** When they were all copied. */
    readonly rows: number | null
  }[],
): Promise<void> {
  if (tables.length === 0) return
  await db.query(
    `insert into ${schema}.replicated_table (schema_name, table_name, state, reason, source_signal, last_change_at,
       row_count)
     select u.s, u.n, u.state, u.reason, u.signal, case when u.changed::boolean then clock_timestamp() end, u.rows
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
       u(s, n, state, reason, signal, changed, rows)
     on conflict (schema_name, table_name) do update set state = excluded.state, reason = excluded.reason,
       source_signal = coalesce(excluded.source_signal, replicated_table.source_signal),
       last_change_at = coalesce(excluded.last_change_at, replicated_table.last_change_at),
       row_count = coalesce(excluded.row_count, replicated_table.row_count)`,
    [
      tables.map((table) => table.schema),
      tables.map((table) => table.name),
      tables.map((table) => table.state),
      tables.map((table) => table.reason),
      tables.map((table) => table.signal),
      tables.map((table) => String(table.changed)),
      tables.map((table) => table.rows),
    ],
  )
}

/** Remembers when these tables changed last. */
export async function saveChanged(
  db: Queryable,
  schema: QuotedName,
  tables: readonly { readonly schema: string; readonly name: string }[],
): Promise<void> {
  await db.query(
    `update ${schema}.replicated_table r set last_change_at = clock_timestamp()
     from unnest($1::text[], $2::text[]) u(s, n) where r.schema_name = u.s and r.table_name = u.n`,
    [tables.map((table) => table.schema), tables.map((table) => table.name)],
  )
}

export async function saveChecked(
  db: Queryable,
  schema: QuotedName,
  table: { readonly schema: string; readonly name: string },
  rows: number,
): Promise<void> {
  await db.query(
    `update ${schema}.replicated_table set last_checked_at = clock_timestamp(), row_count = $3
     where schema_name = $1 and table_name = $2`,
    [table.schema, table.name, rows],
  )
}

export async function forgetReplicatedTables(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`delete from ${schema}.replicated_table`)
}

export async function forgetOtherTables(
  db: Queryable,
  schema: QuotedName,
  known: readonly { readonly schema: string; readonly name: string }[],
): Promise<void> {
  await db.query(
    `delete from ${schema}.replicated_table t where not exists (
       select from unnest($1::text[], $2::text[]) k(s, n) where k.s = t.schema_name and k.n = t.table_name)`,
    [known.map((table) => table.schema), known.map((table) => table.name)],
  )
}

/** The newest promotion of a server; null when it never was promoted. */
export interface Promotion {
  readonly term: number
  readonly serverId: string
  readonly snapshot: string
  readonly tickId: string
  readonly formerSourceId: string | null
  readonly formerSourceTerm: number | null
  readonly formerSnapshot: string | null
  readonly generation: string | null
  readonly formerGeneration: string | null
}

export async function newestPromotion(
  db: Queryable,
  schema: QuotedName,
): Promise<Promotion | null> {
  const row = await textRow(
    db,
    `select term::text, server_id, snapshot::text, tick_id::text, former_source_id, former_source_term::text,
       former_snapshot::text, generation::text, former_generation::text
     from ${schema}.promotion order by promotion.term desc limit 1`,
  )
  if (row === null) return null
  return {
    term: Number(row['term']),
    serverId: row['server_id'] ?? '',
    snapshot: row['snapshot'] ?? '',
    tickId: row['tick_id'] ?? '0',
    formerSourceId: row['former_source_id'] ?? null,
    formerSourceTerm: row['former_source_term'] == null ? null : Number(row['former_source_term']),
    formerSnapshot: row['former_snapshot'] ?? null,
    generation: row['generation'] ?? null,
    formerGeneration: row['former_generation'] ?? null,
  }
}

export async function savePromotion(
  db: Queryable,
  schema: QuotedName,
  promotion: Promotion,
): Promise<void> {
  await db.query(
    `insert into ${schema}.promotion (term, server_id, snapshot, tick_id, former_source_id, former_source_term,
       former_snapshot, generation, former_generation)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      promotion.term,
      promotion.serverId,
      promotion.snapshot,
      promotion.tickId,
      promotion.formerSourceId,
      promotion.formerSourceTerm,
      promotion.formerSnapshot,
      promotion.generation,
      promotion.formerGeneration,
    ],
  )
}

export async function forgetPromotions(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`delete from ${schema}.promotion`)
}
