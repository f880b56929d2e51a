import { describeSqlError, sqlStateOf } from '../db/sql-state.ts'
import { HotStandbyError } from '../errors.ts'

const NO_RIGHT = '42501'

/** What PostgreSQL refused the owner's connection (`migrate`, `disable --purge`), as an error with a remedy. */
export async function namingSqlErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    const state = sqlStateOf(thrown)
    if (thrown instanceof HotStandbyError || state === undefined) throw thrown
    const reason = describeSqlError(thrown)
    if (state !== NO_RIGHT)
      throw new HotStandbyError('HS_DATABASE_REFUSED', { reason }, { cause: thrown })
    const remedy =
      'Set database.ownerUrl to the owner of the tables or a superuser, and run this again.'
    throw new HotStandbyError('HS_DATABASE_RIGHTS', { reason, remedy }, { cause: thrown })
  }
}
