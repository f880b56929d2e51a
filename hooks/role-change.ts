import type { StatusDocument } from '../plugin/api/status-document.ts'
import type { Role } from '../plugin/core/facts.ts'

/** This server's role is another one than before. */
export interface RoleChange {
  /** Null the first time, when nothing was known. */
  readonly previous: Role | null
  readonly role: Role
  readonly term: number
  readonly reason: string
}

/** Makes a listener of statuses that calls back only when the role or the term changes. */
export function watchRole(
  callback: (change: RoleChange) => void,
): (status: StatusDocument) => void {
  let last: { readonly role: Role; readonly term: number } | null = null
  return ({ server }) => {
    if (last !== null && last.role === server.role && last.term === server.term) return
    const previous = last?.role ?? null
    last = { role: server.role, term: server.term }
    callback({ previous, role: server.role, term: server.term, reason: server.reason })
  }
}
