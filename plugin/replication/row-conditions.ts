import { conditionColumns } from '../config/row-condition.ts'
import { describeSqlError, isTransient } from '../db/sql-state.ts'
import type { Queryable } from '../db/transaction.ts'
import { type FieldProblem, HotStandbyError } from '../errors.ts'
import type { DatabaseConfig } from './database-config.ts'
import { type CatalogueTable, readCatalogue } from './queries/catalogue.ts'
import { probeCondition } from './queries/row-condition.ts'
import { namesTable } from './table-catalogue.ts'

/**
 * Which rows belong to one server is asked on both servers, by capture, batches and checks: the answer must never be an
 * error, and never another one. Errors: HS_CONFIG_INVALID naming each condition that does not fit its table.
 */
export async function requireRowConditions(db: Queryable, config: DatabaseConfig): Promise<void> {
  const conditions = Object.entries(config.exclude.rows)
  if (conditions.length === 0) return
  const relations = await readCatalogue(db, config.replicatedSchemas)
  const fields: FieldProblem[] = []
  for (const [name, condition] of conditions)
    for (const relation of relations.filter((each) => namesTable(name, each))) {
      const wrong = await problemOf(db, config, relation, condition)
      if (wrong === null) continue
      fields.push({
        field: `database.exclude.rows.${name}`,
        value: JSON.stringify(condition),
        ...wrong,
      })
    }
  if (fields.length > 0) throw new HotStandbyError('HS_CONFIG_INVALID', { fields })
}

type Problem = Pick<FieldProblem, 'message' | 'remedy'>

async function problemOf(
  db: Queryable,
  config: DatabaseConfig,
  relation: CatalogueTable,
  condition: string,
): Promise<Problem | null> {
  const known = relation.columns.map(({ name }) => name)
  const used = conditionColumns(condition)
  const unknown = used.find((name) => !known.includes(name))
  if (unknown !== undefined)
    return {
      message: `names "${unknown}", which is no column of ${relation.schema}.${relation.name}`,
      remedy: `Use its columns: ${known.join(', ')}.`,
    }
  const own = ownColumns(config, relation)
  const differs = used.find((name) => own.has(name))
  if (differs !== undefined)
    return {
      message: `depends on "${differs}", of which each server keeps its own value`,
      remedy: 'Use columns that are equal on both servers.',
    }
  try {
    await probeCondition(db, relation, condition)
    return null
  } catch (error) {
    if (isTransient(error)) throw error // A lock or a lost connection says nothing of the condition.
    return {
      message: `is refused by PostgreSQL: ${describeSqlError(error)}`,
      remedy: 'Write a condition that is true or false for each row, whatever the settings are.',
    }
  }
}

function ownColumns({ exclude }: DatabaseConfig, relation: CatalogueTable): ReadonlySet<string> {
  const lists = Object.entries(exclude.columns).filter(([name]) => namesTable(name, relation))
  return new Set(lists.flatMap(([, columns]) => columns))
}
