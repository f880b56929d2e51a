/** SQLSTATE with which the database refuses a write on a standby. */
export const WRITE_REFUSED_STATE = 'HS423'

/** The SQLSTATE of an error that PostgreSQL sent; undefined for others (a lost connection, for example). */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

const TRANSIENT = new Set(['40001', '40P01', '55P03', '53300', '53400', '57014'])
const CONNECTION_CLASSES = new Set(['08', '57', '58', '53'])

/** Trying again the same way may work: deadlock, lock timeout, lost connection, a server that restarts. */
export function isTransient(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === undefined) return true
  return TRANSIENT.has(state) || CONNECTION_CLASSES.has(state.slice(0, 2))
}

/** A lock was not available in the time we allow ourselves. */
export function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === '55P03'
}

/** The role may not do it. */
export function isRightMissing(error: unknown): boolean {
  return sqlStateOf(error) === '42501'
}

/** Another session made or changed the same object of the catalogue at this moment: trying again finds what it left. */
export function isChangedMeanwhile(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === 'XX000') return /tuple concurrently/.test((error as Error).message)
  return state === '23505' || state === '42710'
}

/** What PostgreSQL said, in one line, without the values of the row when they are not needed. */
export function describeSqlError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const fields = error as Error & { readonly table?: string; readonly column?: string }
  const where = [
    fields.table && `table ${fields.table}`,
    fields.column && `column ${fields.column}`,
  ]
  const state = sqlStateOf(error)
  const suffix = [state, ...where].filter(Boolean).join(', ')
  return suffix === '' ? error.message || error.name : `${error.message} (${suffix})`
}

/** The connection is gone, or the server shuts down: the client is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state !== undefined)
    return ['57P01', '57P02', '57P03', '57P05'].includes(state) || state.startsWith('08')
  const code = (error as { readonly code?: unknown } | null)?.code
  if (typeof code === 'string') return /^(E[A-Z]+|HS_(DATABASE|PEER)_UNREACHABLE)$/.test(code)
  return error instanceof Error && /connection|not queryable|socket|stream/i.test(error.message)
}
