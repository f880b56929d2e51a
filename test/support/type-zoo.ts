/** A writer with every setting that changes how a value is printed. */
export const HOSTILE_SETTINGS = `set datestyle = 'SQL, DMY'; set intervalstyle = iso_8601; set timezone = 'Asia/Kolkata';
  set extra_float_digits = -3; set bytea_output = escape; set lc_monetary = 'C'; set xmlbinary = hex; set xmloption = document;
  set search_path = public, pg_catalog; set standard_conforming_strings = on; set array_nulls = on; set row_security = off;
  set default_transaction_isolation = 'serializable'; set statement_timeout = '30s'; set quote_all_identifiers = on;
  set lock_timeout = '20s'`

interface ZooType {
  readonly table: string
  readonly type: string
  readonly values: readonly string[]
  /** It can be a key; else the table is copied as a whole. */
  readonly key: boolean
}

/** Also the tables whose key is of the type. */
export function zooTables(): readonly string[] {
  return ZOO_TYPES.flatMap(({ table, key }) => (key ? [table, `${table}_key`] : [table]))
}

let count = 0

function zoo(type: string, key: boolean, ...values: readonly string[]): ZooType {
  count++
  return { table: `zoo_${count}`, type, values, key }
}

/** Every kind of type, with the values that are hard: infinities, NaN, minus zero, BC, empty, null inside. */
export const ZOO_TYPES: readonly ZooType[] = [
  zoo('smallint', true, '-32768', '32767'),
  zoo('bigint', true, '-9223372036854775808', '9223372036854775807'),
  zoo(
    'numeric',
    true,
    'NaN',
    'Infinity',
    '-Infinity',
    '1.10',
    '0.00',
    '1e-100',
    '12345678901234567890.123456789',
  ),
  zoo('numeric(10,2)', true, '1.1', '-0.01'),
  zoo('real', true, 'NaN', '-0', '1e-37', '3.4e38', '0.1'),
  zoo(
    'double precision',
    true,
    'NaN',
    '-0',
    'Infinity',
    '-Infinity',
    '0.30000000000000004',
    '5e-324',
  ),
  zoo('money', true, '-92233720368547758.08', '12.34'),
  zoo('boolean', true, 't', 'f'),
  zoo('text', true, '', 'é😀', '\\N', 'a\tb\nc\\\r', `$1 '"`),
  zoo('varchar(5)', true, '', 'ab   '),
  zoo('char(5)', true, '', 'ab'),
  zoo('"char"', true, 'x', ''),
  zoo('name', true, 'a name'),
  zoo('bytea', true, '', '\\x00ff5c27'),
  zoo('date', true, 'infinity', '-infinity', '0044-03-15 BC', '5874897-12-31', '2026-02-03'),
  zoo('time', true, '24:00:00', '23:59:59.999999'),
  zoo('timetz', true, '24:00:00-15:59', '00:00:00.000001+05:30'),
  zoo('timestamp', true, 'infinity', '4713-01-01 00:00:00 BC', '2026-02-03 04:05:06.123456'),
  zoo(
    'timestamptz',
    true,
    '-infinity',
    '0001-01-01 00:00:00+00 BC',
    '2026-02-03 04:05:06.123456+05:45',
  ),
  zoo(
    'interval',
    true,
    'infinity',
    '-infinity',
    '1 year -2 mons 3 days -04:05:06.789',
    '-178000000 years',
  ),
  zoo('uuid', true, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  zoo('inet', true, '10.0.0.1', '10.0.0.1/8', '::ffff:1.2.3.4', 'fe80::1/64'),
  zoo('cidr', true, '10.0.0.0/8', '2001:db8::/32'),
  zoo('macaddr', true, '08:00:2b:01:02:03'),
  zoo('macaddr8', true, '08:00:2b:01:02:03:04:05'),
  zoo('bit(4)', true, '1010'),
  zoo('varbit', true, '', '10101'),
  zoo('oid', true, '4294967295'),
  zoo('xid8', true, '18446744073709551615'),
  zoo('pg_lsn', true, 'FFFFFFFF/FFFFFFFF', '0/0'),
  zoo('tid', true, '(4294967294,65535)'),
  zoo('tsvector', true, `'a':1A,2B 'it''s':3`, ''),
  zoo('tsquery', true, `'a':*A & !'b' <2> 'c'`),
  zoo('jsonb', true, 'null', '{"a": [1.10, null, "\\u00e9"]}', '9007199254740993'),
  zoo('json', false, 'null', '{"b":1, "a":2,"a":3}', ' [ ] '),
  zoo('jsonpath', false, 'strict $."a"[*] ? (@ > 1)'),
  zoo('xml', false, '<a b="c">&lt;</a>'),
  zoo('point', false, '(1.5,-0)', '(NaN,Infinity)'),
  zoo('line', false, '{1,-1,0.1}'),
  zoo('lseg', false, '[(0,0),(1,1e-10)]'),
  zoo('box', false, '(2,2),(0,0)'),
  zoo('path', false, '((0,0),(1,1))', '[(0,0),(1,1)]'),
  zoo('polygon', false, '((0,0),(1,1),(1,0))'),
  zoo('circle', false, '<(0,0),1.5>'),
  zoo('int4range', true, 'empty', '[1,10)', '(,)', '[5,)'),
  zoo('tstzrange', true, '["2026-01-01 00:00:00+00",infinity]', '(,"0044-01-01 00:00:00+00 BC")'),
  zoo('numrange', true, '[1.10,2.20)', '[NaN,]'),
  zoo('nummultirange', true, '{}', '{[1.0,2),[5,)}'),
  zoo('int[]', true, '{}', '[2:3]={1,2}', '{{1,2},{3,NULL}}', '[-1:0][5:6]={{1,2},{3,4}}'),
  zoo('text[]', true, '{"NULL",NULL,"","a,b","q\\"\\\\"}'),
  zoo('timestamptz[]', true, '{infinity,"2026-02-03 04:05:06.123456+00"}'),
  zoo('bytea[]', true, '{"\\\\x00ff",""}'),
  zoo('zoo_mood', true, 'ok', 'so, so', ''),
  zoo('zoo_mood[]', true, '{ok,"so, so"}'),
  zoo('zoo_small', true, '7'),
  zoo('zoo_pair', true, '(1,"a, b")', '(,)', '(2,"")'),
  zoo('zoo_pair[]', true, '{"(1,x)",NULL}'),
  zoo('zoo_nested', false, '("(1,a)","{\\"k\\": null}","[1,2)",{ok})'),
  zoo('zoo_span', true, '[0.5,1.5]', 'empty'),
]

export const CREATE_ZOO = `
  create type zoo_mood as enum ('ok', 'so, so', '');
  create domain zoo_small as int check (value < 100);
  create type zoo_pair as (a int, b text);
  create type zoo_span as range (subtype = float8);
  create type zoo_nested as (p zoo_pair, j jsonb, r int4range, m zoo_mood[]);
  ${ZOO_TYPES.map(({ table, type, key }) => `create table ${table} (n int not null, v ${type}${key ? ', id int not null generated by default as identity, unique (id)' : ''});`).join('\n  ')}
  ${ZOO_TYPES.filter(({ key }) => key)
    .map(({ table, type }) => `create table ${table}_key (k ${type} primary key, n int not null);`)
    .join('\n  ')}`

/** Fills every table; where the type can be a key, one whose key it is too. */
export const FILL_ZOO = ZOO_TYPES.map(({ table, type, values, key }) =>
  values
    .map((value, index) => {
      const literal = `'${value.replaceAll("'", "''")}'::${type}`
      return [
        `insert into ${table} (n, v) values (${index + 1}, ${literal});`,
        key ? `insert into ${table}_key values (${literal}, ${index});` : '',
        key ? `update ${table}_key set n = n + 1 where n = ${index};` : '',
      ].join('\n')
    })
    .concat(`insert into ${table} (n, v) values (0, null);`)
    .join('\n'),
).join('\n')
