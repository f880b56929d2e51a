import { delay } from '../db/delay.ts'
import { type QuotedName, quoteName } from '../db/identifiers.ts'
import { isChangedMeanwhile, isRightMissing } from '../db/sql-state.ts'
import { inTransaction, type Queryable } from '../db/transaction.ts'
import * as rights from './queries/rights.ts'

/** Owner of the capture functions: cannot log in, may only write the journal. */
export const CAPTURE_OWNER = 'hot_standby_capture'

const ATTEMPTS = 10
const AGAIN_MS = 100

/** Whom the capture functions belong to. */
export interface CaptureOwner {
  /** Null: the functions stay the migrating role's, which may do more than they need. */
  readonly name: QuotedName | null
  /** What a superuser would run so that they get an owner of their own. */
  readonly missing: readonly string[]
}

/**
 * Prepares the owner as far as the migrating role may. The role belongs to the whole cluster, so that another database
 * of it may make the same one at the same moment. Errors: of PostgreSQL, when it is not for want of rights.
 */
export async function prepareCaptureOwner(db: Queryable, schema: string): Promise<CaptureOwner> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await inTransaction(db, () => rights.prepareCaptureOwner(db, schema, CAPTURE_OWNER))
      return { name: quoteName(CAPTURE_OWNER), missing: [] }
    } catch (error) {
      if (isRightMissing(error)) return { name: null, missing: await missing(db) }
      if (!isChangedMeanwhile(error) || attempt >= ATTEMPTS) throw error
      await delay(AGAIN_MS)
    }
  }
}

async function missing(db: Queryable): Promise<readonly string[]> {
  const owner = quoteName(CAPTURE_OWNER)
  const known = await rights.roleExists(db, CAPTURE_OWNER)
  return [
    ...(known === null ? [`create role ${owner} nologin;`] : []),
    `grant ${owner} to ${quoteName(await rights.currentRole(db))};`,
  ]
}
