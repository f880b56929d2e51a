import type { TableStatus } from '../api/status-document.ts'

/** One list of both servers: states, rows and checks as the standby has them, lag as the active has it. */
export function mergeTables(
  standby: readonly TableStatus[],
  active: readonly TableStatus[],
): readonly TableStatus[] {
  const known = new Map(active.map((table) => [table.name, table]))
  return standby.map((table) => {
    const { lag = null, lastChangeAt = null } = known.get(table.name) ?? {}
    return { ...table, lag, lastChangeAt: later(table.lastChangeAt, lastChangeAt) }
  })
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other
  return one > other ? one : other
}
