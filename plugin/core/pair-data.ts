import type { Identity } from './facts.ts'

/** How much a server has in the tables that a pair replicates. */
export interface DataSummary {
  /** Tables with at least one row. */
  readonly tables: number
  readonly rows: number
  /** Large tables are estimated. */
  readonly isExact: boolean
  /** ISO 8601; when it last became active in a pair, null when it never did. */
  readonly lastActiveAt: string | null
}

/** What both servers have, when they are about to become a pair. */
export interface PairData {
  readonly primary: DataSummary
  readonly secondary: DataSummary
}

/**
 * Whose data the pair begins with when nobody said: the primary's, if that costs nothing. Null when the administrator
 * must say it, because the data of one server will be replaced.
 */
export function keptByDefault({ secondary }: PairData): Identity | null {
  return secondary.rows === 0 ? 'primary' : null
}

/** The question to the administrator, in words. */
export function describePairData({ primary, secondary }: PairData): string {
  return (
    `the secondary has ${amount(secondary)}, the primary has ${amount(primary)}, ` +
    'and pairing replaces the data of one by that of the other'
  )
}

function amount({ rows, tables, isExact, lastActiveAt }: DataSummary): string {
  if (rows === 0) return 'no data'
  const counted = `${isExact ? '' : 'about '}${rows} rows in ${tables} tables`
  return lastActiveAt === null
    ? counted
    : `${counted} and was made active at ${lastActiveAt.slice(0, 16).replace('T', ' ')} UTC`
}
