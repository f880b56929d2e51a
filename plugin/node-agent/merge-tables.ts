import type { TableStatus } from '../api/status-document.ts'

/** One list of both servers: states, rows and checks as the standby has them, lag as the active has it. */
export function mergeTables(
  standby: readonly TableStatus[],
  active: readonly TableStatus[],
): readonly TableStatus[] {
  const known = new Map(active.map((table) => [table.name, table]))
  return standby.map((table) => {
    const { lag = null, lastChangeAt = null, rows = null } = known.get(table.name) ?? {}
    const latest = later(table.lastChangeAt, lastChangeAt)
    return { ...table, rows: table.rows ?? rows, lag, lastChangeAt: latest }
  })
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other
  return one > other ? one : other
}
