import { inTransaction, type Queryable } from '../../db/transaction.ts'
import { quotedTable } from '../table-description.ts'

class Undo extends Error {}

/**
 * Has PostgreSQL judge a condition as it judges that of an index: it must be a boolean over the columns of this one
 * table, and the same whenever it is asked. Nothing of it stays. Errors: what PostgreSQL says.
 */
export async function probeCondition(
  db: Queryable,
  table: { readonly schema: string; readonly name: string },
  condition: string,
): Promise<void> {
  try {
    await inTransaction(db, async () => {
      await db.query(`create temporary table hot_standby_probe (like ${quotedTable(table)})`)
      await db.query(`create index on pg_temp.hot_standby_probe ((1)) where (${condition})`)
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
}
