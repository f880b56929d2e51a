import { type Queryable, textRow, textRows } from '../../db/transaction.ts'

export interface CatalogueColumn {
  readonly name: string
  readonly type: string
  readonly castType: string
  readonly typeOid: string
  readonly collation: string | null
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
}

export interface CatalogueTable {
  readonly schema: string
  readonly name: string
  readonly oid: string
  readonly relkind: string
  readonly persistence: string
  readonly isPartition: boolean
  readonly inherits: boolean
  readonly rowSecurity: boolean
  /** A partition that cannot be replicated, in words; null when there is none. */
  readonly unfitLeaf: string | null
  /** All of them, of every level. */
  readonly partitions: readonly { readonly schema: string; readonly name: string }[]
  readonly fromExtension: boolean
  /** Of a foreign table. */
  readonly foreignServer: string | null
  readonly estimatedRows: number
  readonly estimatedBytes: number
  readonly columns: readonly CatalogueColumn[]
  /** Usable keys, the primary key first, then the smallest. */
  readonly keys: readonly { readonly primary: boolean; readonly columns: readonly string[] }[]
  /** Labels of the enums and definitions of the domains that the table uses. */
  readonly typeDetails: string
}

/** Every relation of these schemas that holds rows of its own, with columns and keys. */
export async function readCatalogue(
  db: Queryable,
  schemas: readonly string[],
): Promise<readonly CatalogueTable[]> {
  const rows = await textRows(
    db,
    `select pg_catalog.json_build_object(
       'schema', n.nspname, 'name', c.relname, 'oid', c.oid::text, 'relkind', c.relkind::text,
       'persistence', c.relpersistence::text, 'isPartition', c.relispartition,
       'inherits', c.relkind = 'r' and not c.relispartition
         and exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhrelid, i.inhparent)),
       'rowSecurity', c.relrowsecurity,
       'partitions', case when c.relkind = 'p' then coalesce((
         select pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', l.relname) order by l.oid)
         from pg_catalog.pg_partition_tree(c.oid) t join pg_catalog.pg_class l on l.oid = t.relid
         join pg_catalog.pg_namespace pn on pn.oid = l.relnamespace where t.level > 0), '[]') else '[]' end,
       'unfitLeaf', case when c.relkind = 'p' then (select pg_catalog.min(pg_catalog.format('%I.%I is %s', ln.nspname,
           l.relname, case when l.relkind = 'f' then 'a foreign table' else 'an unlogged table' end))
         from pg_catalog.pg_partition_tree(c.oid) t join pg_catalog.pg_class l on l.oid = t.relid
         join pg_catalog.pg_namespace ln on ln.oid = l.relnamespace
         where t.isleaf and (l.relkind = 'f' or l.relpersistence = 'u')) end,
       'fromExtension', exists (select from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'),
       'foreignServer', (select s.srvname from pg_catalog.pg_foreign_table ft
         join pg_catalog.pg_foreign_server s on s.oid = ft.ftserver where ft.ftrelid = c.oid),
       'estimatedRows', case when c.relkind = 'p'
         then (select coalesce(sum(greatest(l.reltuples, 0)), 0) from pg_catalog.pg_partition_tree(c.oid) t
               join pg_catalog.pg_class l on l.oid = t.relid where t.isleaf)
         else greatest(c.reltuples, 0) end,
       'estimatedBytes', case when c.relkind = 'p'
         then (select coalesce(sum(pg_catalog.pg_relation_size(t.relid)), 0)
               from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf)
         when c.relkind in ('r', 'm') then coalesce(pg_catalog.pg_relation_size(c.oid), 0) else 0 end,
       'columns', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
           'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
           'castType', pg_catalog.format_type(a.atttypid, -1), 'typeOid', a.atttypid::text,
           'collation', case when a.attcollation <> 0 then
             (select pg_catalog.format('%I.%I', cn.nspname, co.collname) from pg_catalog.pg_collation co
              join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace where co.oid = a.attcollation) end,
           'notNull', a.attnotnull, 'hasDefault', a.atthasdef or a.attidentity <> '',
           'generated', a.attgenerated <> '') order by a.attnum)
         from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'),
       'keys', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
           'primary', i.indisprimary, 'columns', (select pg_catalog.json_agg(a.attname order by k.n)
             from unnest(i.indkey) with ordinality k(attnum, n)
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
             where k.n <= i.indnkeyatts)) order by i.indisprimary desc, i.indnkeyatts, i.indexrelid)
         from pg_catalog.pg_index i
         where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
           and i.indexprs is null and (i.indisprimary or not i.indisexclusion)
           and not exists (select from unnest(i.indkey) with ordinality k(attnum, n)
             left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
             where k.n <= i.indnkeyatts and a.attnotnull is not true)), '[]'),
       'typeDetails', coalesce((select pg_catalog.string_agg(detail, ';' order by detail) from (
         select t.typname || '=' || coalesce(
             (select pg_catalog.string_agg(e.enumlabel, ',' order by e.enumsortorder)
              from pg_catalog.pg_enum e where e.enumtypid = t.oid),
             pg_catalog.format_type(t.typbasetype, t.typtypmod)) as detail
         from pg_catalog.pg_attribute a join pg_catalog.pg_type u on u.oid = a.atttypid
         join pg_catalog.pg_type t on t.oid in (u.oid, u.typelem) and t.typtype in ('e', 'd')
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) details), '')
     )::text as relation
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p', 'f', 'm')
     order by n.nspname, c.relname`,
    [schemas],
  )
  return rows.map((row) => JSON.parse(row['relation'] ?? 'null') as CatalogueTable)
}

interface TableName {
  readonly schema: string
  readonly name: string
}

/** Foreign keys of these tables to tables that are not among them; partitions count as the table they are part of. */
export async function readForeignKeys(
  db: Queryable,
  oids: readonly string[],
): Promise<
  readonly { readonly table: TableName; readonly name: string; readonly referenced: TableName }[]
> {
  const rows = await textRows(
    db,
    `select n.nspname as schema, c.relname as table, k.conname as name, fn.nspname as to_schema, f.relname as to_table
     from pg_catalog.pg_constraint k
     join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_class f on f.oid = k.confrelid join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
     where k.contype = 'f' and k.conparentid = 0
       and coalesce(pg_catalog.pg_partition_root(c.oid), c.oid) = any ($1::oid[])
       and coalesce(pg_catalog.pg_partition_root(f.oid), f.oid) <> all ($1::oid[])
     order by 1, 2, 3`,
    [oids],
  )
  return rows.map((row) => ({
    table: { schema: row['schema'] ?? '', name: row['table'] ?? '' },
    name: row['name'] ?? '',
    referenced: { schema: row['to_schema'] ?? '', name: row['to_table'] ?? '' },
  }))
}

/** How many large objects the database has; triggers cannot capture them. */
export async function countLargeObjects(db: Queryable): Promise<number> {
  const row = await textRow(
    db,
    'select count(*)::text as count from pg_catalog.pg_largeobject_metadata',
  )
  return Number(row?.['count'] ?? 0)
}

/**
 * One text per table that changes whenever rows may have changed without a trigger: the table re-created or rewritten,
 * a partition attached, a capture trigger disabled and enabled again (its row's xmin moves even then).
 */
export async function readTableSignals(
  db: Queryable,
  schema: string,
): Promise<ReadonlyMap<number, TableSignal>> {
  const rows = await textRows(
    db,
    `select t.table_id::text,
       coalesce(c.oid::text || ':' || pg_catalog.md5(coalesce((
           select pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod,
             a.attnotnull, a.attgenerated), ',' order by a.attnum)
           from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0), '')
         || '|' || coalesce(g.marks, 'none') || '|' || coalesce(tree.members, '')), 'gone') as structure,
       coalesce(case when c.relkind = 'p' then tree.files else c.relfilenode::text end, '') as files,
       coalesce(g.enabled, false)::text as captured
     from ${schema}.captured_table t
     left join pg_catalog.pg_namespace n on n.nspname = t.schema_name
     left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.table_name
     left join lateral (
       select pg_catalog.string_agg(l.oid::text, ',' order by l.oid) as members,
         pg_catalog.string_agg(l.relfilenode::text, ',' order by l.oid) filter (where p.isleaf) as files
       from pg_catalog.pg_partition_tree(c.oid) p join pg_catalog.pg_class l on l.oid = p.relid
     ) tree on c.relkind = 'p'
     left join lateral (
       select pg_catalog.string_agg(pg_catalog.concat_ws(' ', g.oid, g.xmin, g.tgenabled), ',' order by g.oid) as marks,
         pg_catalog.bool_and(g.tgenabled in ('O', 'A')) and count(*) filter (where g.tgrelid = c.oid)
           = case when pg_catalog.bool_or(g.tgname like '%\\_row') then 2 else 4 end as enabled
       from pg_catalog.pg_trigger g
       where g.tgname like 'hot\\_standby\\_%' and g.tgrelid = any (case when c.relkind = 'p'
         then array(select p.relid::oid from pg_catalog.pg_partition_tree(c.oid) p) else array[c.oid] end)
     ) g on true`,
  )
  return new Map(
    rows.map((row) => [
      Number(row['table_id']),
      {
        structure: row['structure'] ?? '',
        files: row['files'] ?? '',
        captured: row['captured'] === 'true',
      },
    ]),
  )
}

export interface TableSignal {
  readonly structure: string
  /** The files that hold the rows; a rewrite or TRUNCATE changes them. */
  readonly files: string
  /** The capture triggers are there and enabled. */
  readonly captured: boolean
}

/** Sequences of these schemas that do not belong to one of the excluded tables, with where they stand. */
export async function readSequences(
  db: Queryable,
  schemas: readonly string[],
  excludedTableOids: readonly string[],
): Promise<readonly SequenceState[]> {
  const rows = await textRows(
    db,
    `select n.nspname, c.relname, s.seqincrement::text, s.seqmin::text, s.seqmax::text,
       pg_catalog.pg_sequence_last_value(c.oid)::text as last_value
     from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relpersistence = 'p'
       and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
         and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjid = any ($2::oid[]))
     order by 1, 2`,
    [schemas, excludedTableOids],
  )
  return rows.map((row) => ({
    schema: row['nspname'] ?? '',
    name: row['relname'] ?? '',
    increment: row['seqincrement'] ?? '1',
    minimum: row['seqmin'] ?? '1',
    maximum: row['seqmax'] ?? '1',
    lastValue: row['last_value'] ?? null,
  }))
}

export interface SequenceState {
  readonly schema: string
  readonly name: string
  readonly increment: string
  readonly minimum: string
  readonly maximum: string
  /** Null when it was never called. */
  readonly lastValue: string | null
}

/** A sequence, and the tables that it belongs to or that take their defaults from it. */
export interface SequenceLink {
  readonly oid: string
  readonly schema: string
  readonly name: string
  readonly tableOids: readonly string[]
}

export async function readSequenceLinks(
  db: Queryable,
  schemas: readonly string[],
  excludedTableOids: readonly string[],
): Promise<readonly SequenceLink[]> {
  const rows = await textRows(
    db,
    `select c.oid::text, n.nspname, c.relname,
       coalesce((select pg_catalog.string_agg(u.table_oid::text, ',') from (
         select d.refobjid from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
           and d.objid = c.oid and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
         union select a.adrelid from pg_catalog.pg_depend d
           join pg_catalog.pg_attrdef a on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
           where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid) u(table_oid)), '') as tables
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[]) and c.relkind = 'S' and c.relpersistence = 'p'
       and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
         and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjid = any ($2::oid[]))`,
    [schemas, excludedTableOids],
  )
  return rows.map((row) => ({
    oid: row['oid'] ?? '0',
    schema: row['nspname'] ?? '',
    name: row['relname'] ?? '',
    tableOids: (row['tables'] ?? '').split(',').filter((oid) => oid !== ''),
  }))
}
