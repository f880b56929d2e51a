import type { Knex } from 'knex'

/** Asks the database whether this server belongs to a pair; for the time when the agent cannot say. */
export async function isPairedInDatabase(knex: Knex, schema: string): Promise<boolean> {
  const table = `${quote(schema)}.server_state`
  const found = await knex.raw<{ rows: { is_there: boolean }[] }>(
    'select to_regclass(:table) is not null as is_there',
    { table },
  )
  if (found.rows[0]?.is_there !== true) return false
  const { rows } = await knex.raw<{ rows: { role: string }[] }>(`select role from ${table}`)
  return rows.some((row) => row.role !== 'off')
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
