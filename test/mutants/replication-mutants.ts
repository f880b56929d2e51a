import { MOCHA, MOCHA_SAID, type Mutant, mutant } from './mutant.ts'

/** Concurrent writers, each cut compared in its own snapshot; the seed repeats the statements, not the races. */
const fuzz = {
  args: '--import=tsx test/fuzz/main.ts --active 17 --standby 16 --prepared off --seed 7 --batches 400'.split(
    ' ',
  ),
  said: /FAILED\n\w+: (.*)/u,
}
const truncatedAfterSnapshot = {
  args: [...MOCHA, 'test/integration/replication/pitfalls/a-ordering.test.ts', '--grep', 'A8'],
  said: MOCHA_SAID,
}
const copyRounds = {
  args: [...MOCHA, 'test/integration/replication/copy-rounds.test.ts'],
  said: MOCHA_SAID,
}
const crashOfActive = {
  args: ['--import=tsx', 'test/crash/main.ts', 'active database, synchronous_commit off'],
  said: /FAILED\n\w+: (.*)/u,
}

const BATCH = 'replication/batch.ts'
const CAPTURE = 'replication/capture-sql.ts'
const JOURNAL = 'replication/queries/journal.ts'
const TABLE_STATES = 'replication/table-states.ts'
const RECOPY = 'if (!explained || !isSameStructure) this.#recopy.set(pair.name, why)'
const SEQUENCES = 'replication/sequences.ts'

export const REPLICATION_MUTANTS: readonly Mutant[] = [
  mutant(
    truncatedAfterSnapshot,
    'takes its snapshot without locks on the tables',
    [BATCH, 'locked.map((pair) => pair.source),', '[],'],
    [
      'replication/quick-batch.ts',
      'looks.lockStatement(schema, sources)',
      'looks.lockStatement(schema, sources.slice(sources.length))',
    ],
  ),
  mutant(
    fuzz,
    'takes what was in progress at a cut for applied',
    [
      JOURNAL,
      'not pg_catalog.pg_visible_in_snapshot(${alias}.xid, ${literal})',
      '${alias}.xid >= pg_catalog.pg_snapshot_xmax(${literal})',
    ],
    [
      'replication/queries/look.ts',
      'not pg_catalog.pg_visible_in_snapshot(j.xid, $1)`',
      'j.xid >= pg_catalog.pg_snapshot_xmax($1)`',
    ],
    [
      'replication/queries/quick.ts',
      'not pg_catalog.pg_visible_in_snapshot(j.xid, $1) limit',
      'j.xid >= pg_catalog.pg_snapshot_xmax($1) limit',
    ],
  ),
  mutant(fuzz, 'captures the new key of a row that moves, and not the old one', [
    CAPTURE,
    "(${keys('old_rows')} union ${keys('new_rows')})",
    "(${keys('new_rows')})",
  ]),
  mutant(
    fuzz,
    'captures the old key of a row that moves in a partitioned table, and not the new one',
    [CAPTURE, 'if ${moved} then', 'if false then'],
  ),
  // That its files are new is noticed as well, within two seconds.
  mutant(
    fuzz,
    'does not capture TRUNCATE',
    [
      CAPTURE,
      'else\n    ${markWholeTable(schema, tableId)}\n  end if;\n${wakeReader',
      'end if;\n${wakeReader',
    ],
    [TABLE_STATES, RECOPY, 'void [explained, why]'],
  ),
  mutant(fuzz, 'does not see what came past its capture', [
    TABLE_STATES,
    RECOPY,
    'void [explained, why]',
  ]),
  mutant(fuzz, 'purges changes that the standby has not got', [
    JOURNAL,
    'j.xid < pg_catalog.pg_snapshot_xmax(${literal})\n           and pg_catalog.pg_visible_in_snapshot(j.xid, ${literal}) limit',
    'j.xid is not null and ${literal} is not null limit',
  ]),
  mutant(
    fuzz,
    'leaves sequences where they are',
    [SEQUENCES, 'if (await advanceSequence(writer, sequence, 0))', 'if (true as boolean)'],
    [SEQUENCES, 'if (known.get(name) === value) return []', 'return []'],
  ),
  mutant(copyRounds, 'forgets what has changed between two rounds of a copy', [
    'replication/copied-tables.ts',
    'return tables\n',
    'return tables.slice(tables.length)\n',
  ]),
  mutant(copyRounds, 'believes that it knows the tables though it could not look at them', [
    TABLE_STATES,
    'const moved = structuresOf(signals) !== this.#structures\n',
    'const moved = structuresOf(signals) !== this.#structures\n    this.#structures = structuresOf(signals)\n',
  ]),
  mutant(crashOfActive, 'does not wait for the disk with what it keeps for itself', [
    'db/connector.ts',
    'set synchronous_commit = on;',
    'set synchronous_commit = off;',
  ]),
]
