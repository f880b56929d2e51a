import type { PostgresMajor } from '../../examples/demo/postgres-binaries.ts'
import type { Random } from '../simulation/random.ts'

/** One thing that a writer does in its transaction; several statements may be in one text. */
export interface Statement {
  readonly sql: string
  /** For COPY FROM STDIN. */
  readonly data?: string
}

interface Kind {
  /** How often, beside the others. */
  readonly weight: number
  /** The lowest version that understands it. */
  readonly since?: PostgresMajor
  readonly make: (any: Values) => string | Statement
}

/** Values from small ranges, so that writers meet each other's rows. */
interface Values {
  readonly random: Random
  readonly id: () => number
  readonly many: () => number
  readonly text: () => string
  readonly region: () => string
}

const KINDS: readonly Kind[] = [
  // Inserts, updates and deletes, with nested triggers behind them.
  { weight: 6, make: (v) => `insert into item (id, code, n) values (${v.id()}, ${v.text()}, 0)` },
  { weight: 6, make: (v) => `update item set n = n + 1 where id = ${v.id()}` },
  { weight: 4, make: (v) => `update item set code = ${v.text()} where id % 7 = ${v.id() % 7}` },
  { weight: 3, make: (v) => `delete from item where id between ${v.id()} and ${v.id()}` },
  {
    weight: 2,
    make: (v) => `insert into item_view values (${v.id()}, ${v.text()}, 1) on conflict do nothing`,
  },
  // Rows that belong to one server, and rows that change sides.
  {
    weight: 3,
    make: (v) =>
      `insert into filtered select i, case when i % 3 = 0 then 'own' end, ${v.id()} from generate_series(${v.id()}, ${v.many()}) i
       on conflict (id) do update set owner = case when filtered.owner is null then 'own' end`,
  },
  {
    weight: 3,
    make: (v) =>
      `update filtered set owner = ${v.random.chance(0.5) ? "'own'" : 'null'}, v = v + 1 where id = ${v.id()}`,
  },
  { weight: 2, make: (v) => `update filtered set id = -id - 1000000 where id % 5 = ${v.id() % 5}` },
  { weight: 1, make: (v) => `delete from filtered where id % 7 = ${v.id() % 7}` },
  // Upserts, MERGE, data-modifying queries.
  {
    weight: 5,
    make: (v) =>
      `insert into item (id, code) select i, 'u' || i from generate_series(${v.id()}, ${v.many()}) i
       on conflict (id) do update set n = item.n + 1, code = excluded.code || ${v.id()}`,
  },
  {
    weight: 3,
    make: (v) =>
      `insert into unique_only select i, ${v.text()} from generate_series(1, ${v.many()}) i on conflict do nothing`,
  },
  {
    weight: 4,
    make: (v) =>
      `merge into unique_only t using (select i, ${v.text()} as w from generate_series(${v.id()}, ${v.many()}) i) s on t.k = s.i
       when matched and s.i % 3 = 0 then delete when matched then update set v = s.w
       when not matched then insert values (s.i, s.w)`,
  },
  {
    weight: 2,
    since: 17,
    make: (v) =>
      `merge into unique_only t using (select ${v.id()} as i) s on t.k = s.i
       when not matched by source and t.k % 11 = ${v.id() % 11} then delete
       when not matched then insert values (s.i, 'by source') returning merge_action(), t.*`,
  },
  {
    weight: 3,
    make: (v) =>
      `with gone as (delete from unique_only where k < ${v.id()} returning *), kept as (
         insert into bag select v, k from gone returning coalesce(n, 0) as n)
       insert into unique_only select n + 1000, 'moved' from kept on conflict do nothing`,
  },
  { weight: 2, make: () => 'delete from unique_only where k > 900' },
  // Key moves and swaps, on primary keys and unique columns, deferrable and not.
  {
    weight: 3,
    make: (v) => `update item set id = id + 1000 where id = ${v.id()}`,
  },
  {
    weight: 3,
    make: (v) => `update item set id = id - 1000 where id > 1000 and id % 5 = ${v.id() % 5}`,
  },
  {
    weight: 4,
    make: (v) => {
      const [one, other] = [1 + (v.id() % 20), 1 + (v.id() % 20)]
      return `update slot set label = label || ' moving' where position = ${one};
        with l as (select position, label from slot where position in (${one}, ${other}))
        update slot set label = 'swap ' || l.label from l where slot.position = ${other} and l.position = ${one};
        update slot set label = left(label || ${v.id()}, 20) where position = ${one}`
    },
  },
  { weight: 3, make: () => 'update shift set id = 21 - id' },
  { weight: 2, make: () => 'update shift set id = id % 20 + 1, v = v + 1' },
  {
    weight: 3,
    make: (
      v,
    ) => `set constraints all deferred; update seat set seat_no = seat_no % 20 + 1 where true;
      update seat set id = id + 100 where id = ${1 + (v.id() % 20)}; update seat set id = id - 100 where id > 100`,
  },
  // Keys that are equal and look different.
  {
    weight: 4,
    make: (v) =>
      `insert into numeric_key values (${v.id() % 9}.${v.random.pick(['0', '00', '000', '5', '50'])}, ${v.id()})
       on conflict (k) do update set k = excluded.k, v = excluded.v`,
  },
  { weight: 2, make: () => 'update numeric_key set k = k + 0.00' },
  {
    weight: 2,
    make: (v) =>
      `insert into float_key values (${v.random.pick(['0', `'-0'`, `'NaN'`, `'Infinity'`, '0.1::float8 + 0.2', '1e308', '1e-300'])}, ${v.id()})
       on conflict (k) do update set k = excluded.k, v = excluded.v`,
  },
  { weight: 1, make: () => `update float_key set k = '-0' where k = 0` },
  {
    weight: 3,
    make: (v) =>
      `insert into stamp_key values (timestamptz '2024-03-31 01:30:00.000001+00' + ${v.id() % 5} * interval '1 hour',
         ${v.random.pick([`'1 day'`, `'24 hours'`, `'1 mon'`, `'30 days'`])}, ${v.id()})
       on conflict (at, i) do update set i = excluded.i, v = excluded.v`,
  },
  {
    weight: 3,
    make: (v) =>
      `insert into text_pair values (${v.text()}, ${v.text()}, ${v.id()}) on conflict (b, a) do update set v = excluded.v`,
  },
  {
    weight: 2,
    make: (v) => `update text_pair set a = b, b = a where length(a) < 15 and v % 3 = ${v.id() % 3}`,
  },
  { weight: 2, make: (v) => `delete from text_pair where v % 4 = ${v.id() % 4}` },
  {
    weight: 3,
    make: (
      v,
    ) => `insert into char_key values (${v.random.pick([`'a'`, `'a '`, `' a'`, `'É'`, `'abc'`])}, ${v.id()})
      on conflict (k) do update set v = excluded.v, k = excluded.k`,
  },
  {
    weight: 3,
    make: (v) => `insert into uuid_key (v) select i from generate_series(1, ${v.many() % 5}) i`,
  },
  { weight: 2, make: (v) => `update uuid_key set id = gen_random_uuid() where v = ${v.id() % 5}` },
  {
    weight: 2,
    make: () => 'delete from uuid_key where id in (select id from uuid_key order by id offset 20)',
  },
  // Cascades, SET NULL, deferred constraint triggers.
  {
    weight: 5,
    make: (v) =>
      `insert into parent values (${v.id() % 20}, ${v.text()}) on conflict (id) do update set name = excluded.name`,
  },
  {
    weight: 5,
    make: (v) =>
      `insert into child select ${v.id()}, id, ${v.id()} from parent limit 1 on conflict (id) do update set v = excluded.v`,
  },
  {
    weight: 4,
    make: (v) => `insert into pet select ${v.id()}, id from child limit 1 on conflict do nothing`,
  },
  { weight: 3, make: (v) => `update parent set id = id + 20 where id = ${v.id() % 20}` },
  { weight: 3, make: (v) => `update child set id = id + 500 where id = ${v.id()}` },
  { weight: 3, make: (v) => `delete from parent where id = ${v.id() % 40}` },
  { weight: 2, make: (v) => `delete from child where v > ${v.id()}` },
  // Partitions and inheritance, through the root and the leaves.
  {
    weight: 6,
    make: (v) =>
      `insert into part values (${v.id() * 3}, ${v.region()}, ${v.text()}) on conflict (id, region) do update set v = excluded.v`,
  },
  {
    weight: 3,
    make: (v) => `insert into part_a values (${v.id()}, 'a', 'leaf') on conflict do nothing`,
  },
  { weight: 3, make: (v) => `update part_b1 set v = 'leaf', id = id % 99 where id = ${v.id()}` },
  { weight: 4, make: (v) => `update part set region = ${v.region()} where id % 6 = ${v.id() % 6}` },
  // Another key in the same partition.
  { weight: 3, make: (v) => `update part set id = -id where id % 7 = ${v.id() % 7}` },
  { weight: 2, make: (v) => `delete from part where id > ${v.id() * 2}` },
  {
    weight: 3,
    make: (v) =>
      `insert into old_child values (${v.id()}, 'c', 1) on conflict (id) do update set v = 'again'`,
  },
  {
    weight: 2,
    make: (v) => `insert into old_style values (${v.id()}, 'p') on conflict do nothing`,
  },
  {
    weight: 2,
    make: (v) => `update old_style set v = v || '+' where id % 5 = ${v.id() % 5} and length(v) < 9`,
  },
  { weight: 2, make: (v) => `delete from old_style where id > ${v.id()}` },
  // No key, duplicates; sequences, identity and generated columns; COPY.
  {
    weight: 3,
    make: (v) => `insert into bag select 'same', 1 from generate_series(1, ${v.many() % 4})`,
  },
  { weight: 2, make: () => 'delete from bag where ctid in (select ctid from bag limit 30)' },
  { weight: 1, make: () => 'delete from audit' },
  {
    weight: 4,
    make: (v) => `insert into serial (v) select i from generate_series(1, ${v.many() % 5}) i`,
  },
  { weight: 2, make: (v) => `delete from serial where id % 3 = ${v.id() % 3}` },
  { weight: 3, make: (v) => `insert into always (a) values (${v.id()}), (${v.id()})` },
  {
    weight: 1,
    make: (v) =>
      `insert into always (id, a) overriding system value values (${-v.id()}, 1) on conflict do nothing`,
  },
  {
    weight: 2,
    make: (v) => `update always set a = a + 1 where a = ${v.id()}; delete from always where a > 70`,
  },
  {
    weight: 3,
    make: (v) => `insert into by_default (v) values (${v.id()}); select nextval('free_up')`,
  },
  { weight: 1, make: () => 'delete from by_default' },
  {
    weight: 3,
    make: (v) => ({
      sql: 'copy bag from stdin',
      data: Array.from({ length: v.many() % 9 }, () => 'copied\\tline\t\\N\n').join(''),
    }),
  },
  {
    weight: 2,
    make: (v) => ({
      sql: 'copy part from stdin',
      data: `${v.random.pick([2000, 3000])}\ta\tcopied\n${4000 + v.id()}\tb\t\\\\\n`,
    }),
  },
  {
    weight: 2,
    since: 18,
    make: (v) =>
      `insert into virtual_row values (${v.id()}, 1) on conflict (id) do update set a = virtual_row.a + 1`,
  },
  // TRUNCATE in all forms.
  {
    weight: 0.6,
    make: (v) => `truncate item; insert into item (id, code) values (${v.id()}, 'after')`,
  },
  { weight: 0.4, make: () => 'truncate parent cascade' },
  { weight: 0.4, make: () => 'truncate parent, child, pet, bag' },
  { weight: 0.4, make: () => 'truncate serial, always restart identity' },
  { weight: 0.3, make: () => 'truncate part' },
  { weight: 0.4, make: () => 'truncate part_b1' },
  { weight: 0.3, make: () => 'truncate part_a, part_b' },
  { weight: 0.3, make: () => 'truncate only old_style' },
  {
    weight: 0.3,
    make: () =>
      `do $$ begin truncate text_pair; raise 'undo'; exception when raise_exception then insert into audit values ('undone', 1); end $$`,
  },
  { weight: 0.3, make: () => 'truncate bag, audit' },
]

/** What goes wrong between writers and is theirs, not ours. */
export const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  ...['40001', '40P01', '55P03', '23505', '23503', '23514', '21000', '22003', '23502', '55006'],
])

export function randomStatement(
  random: Random,
  major: PostgresMajor,
  oldest: PostgresMajor,
): Statement {
  const values: Values = {
    random,
    id: () => 1 + Math.floor(random.next() * 80),
    many: () => 1 + Math.floor(random.next() * 80),
    text: () => random.pick(TEXTS)(1 + Math.floor(random.next() * 9)),
    region: () => random.pick([`'a'`, `'b'`, `'c'`, `'x'`]),
  }
  const usable = KINDS.filter(
    (kind) => kind.since === undefined || kind.since <= (kind.since === 18 ? oldest : major),
  )
  const total = usable.reduce((sum, kind) => sum + kind.weight, 0)
  let at = random.next() * total
  for (const kind of usable) {
    at -= kind.weight
    if (at <= 0) return asStatement(kind.make(values))
  }
  return asStatement(usable[0]!.make(values))
}

function asStatement(made: string | Statement): Statement {
  return typeof made === 'string' ? { sql: made } : made
}

const TEXTS: readonly ((n: number) => string)[] = [
  (n) => `'t${n}'`,
  (n) => `'T${n}'`,
  (n) => `'é${n}'`,
  (n) => `'e' || U&'\\0301' || '${n}'`,
  (n) => `E'tab\\t\\\\${n}'`,
  (n) => `'${n} '`,
  (n) => `'"{${n}}'`,
]
