import type { Queryable } from '../../db/transaction.ts'
import { textRows } from '../../db/transaction.ts'
import { HIDDEN, isSecretColumn } from '../../core/secret-columns.ts'
import { quoteLiteral, quoteName } from '../../db/identifiers.ts'
import {
  comparedColumns,
  fromTable,
  replicatedRows,
  type TableDescription,
} from '../table-description.ts'

/** Buckets by key, so that a difference is found without comparing every row. */
export const BUCKETS = 64

export interface BucketSum {
  readonly bucket: number
  readonly rows: number
  readonly sum: string
}

/** All columns that must be equal, as one text; quoting of records keeps null and '' apart. */
function rowText(table: TableDescription): string {
  const columns = comparedColumns(table).map((column) => `t.${quoteName(column.name)}`)
  return `row(${columns.join(', ')})::text`
}

/** The same for people to read. */
function shownText(table: TableDescription): string {
  const columns = comparedColumns(table).map(({ name }) => {
    const column = `t.${quoteName(name)}`
    if (!isSecretColumn(name)) return column
    return `case when ${column} is not null then ${quoteLiteral(HIDDEN)} end`
  })
  return `row(${columns.join(', ')})::text`
}

function keyTexts(table: TableDescription): string {
  const columns = table.key?.columns ?? []
  return columns.map((column) => `t.${quoteName(column.name)}::text`).join(', ')
}

function bucketOf(table: TableDescription): string {
  if (table.key === null) return '0'
  return `(pg_catalog.hashtextextended(array[${keyTexts(table)}]::text, 0) & ${BUCKETS - 1})`
}

/** Counts and sums of row hashes; sums, because an exclusive or would cancel equal rows. */
export async function readBuckets(
  db: Queryable,
  table: TableDescription,
): Promise<readonly BucketSum[]> {
  const rows = await textRows(
    db,
    `select ${bucketOf(table)}::text as bucket, count(*)::text as rows,
       sum(pg_catalog.hashtextextended(${rowText(table)}, 0)::numeric)::text as sum
     from ${fromTable(table)} t where ${replicatedRows(table)} group by 1`,
  )
  return rows.map((row) => ({
    bucket: Number(row['bucket']),
    rows: Number(row['rows']),
    sum: row['sum'] ?? '0',
  }))
}

export interface KeyHash {
  /** Key values as text, as a PostgreSQL array literal: equal on both sides for equal keys. */
  readonly id: string
  readonly key: readonly string[]
  readonly hash: string
}

/** Key and hash of each row in these buckets. */
export async function readKeyHashes(
  db: Queryable,
  table: TableDescription,
  buckets: readonly number[],
): Promise<readonly KeyHash[]> {
  const rows = await textRows(
    db,
    `select pg_catalog.to_json(array[${keyTexts(table)}])::text as key,
       pg_catalog.hashtextextended(${rowText(table)}, 0)::text as hash
     from ${fromTable(table)} t where ${replicatedRows(table)} and ${bucketOf(table)} = any ($1::bigint[])`,
    [buckets],
  )
  return rows.map((row) => ({
    id: row['key'] ?? '',
    key: JSON.parse(row['key'] ?? '[]') as string[],
    hash: row['hash'] ?? '',
  }))
}

const SHOWN_CHARACTERS = 500

/** Rows by key as text, cut: for showing what differs. */
export async function readRowTexts(
  db: Queryable,
  table: TableDescription,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await textRows(
    db,
    `select k.id, pg_catalog.left(${shownText(table)}, ${SHOWN_CHARACTERS}) as shown
     from ${fromTable(table)} t
     cross join lateral (select pg_catalog.to_json(array[${keyTexts(table)}])::text as id) k
     where ${replicatedRows(table)} and k.id = any ($1::text[])`,
    [ids],
  )
  return new Map(rows.map((row) => [row['id'] ?? '', row['shown'] ?? '']))
}
