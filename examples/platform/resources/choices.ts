import type { Knex } from 'knex'
import type { Choice, Field, Resource } from './resource.ts'

/** Key of a field → what can be chosen there, read from the database. */
export type ChoiceLists = ReadonlyMap<string, readonly Choice[]>

/** Loads what the resource's reference and destination fields offer. */
export async function loadChoices(db: Knex, resource: Resource): Promise<ChoiceLists> {
  const fields = [
    ...resource.fields,
    ...(resource.detail?.fields ?? []),
    ...(resource.rows?.fields ?? []),
  ]
  const lists = new Map<string, readonly Choice[]>()
  for (const field of fields) {
    const key = choiceKey(field)
    if (!lists.has(key)) lists.set(key, await choicesOf(db, field))
  }
  return lists
}

export function choiceKey(field: Field): string {
  if (field.kind === 'destination') return 'destination'
  if (field.reference !== undefined) return `${field.reference.table}.${field.reference.label}`
  return field.name
}

async function choicesOf(db: Knex, field: Field): Promise<readonly Choice[]> {
  if (field.kind === 'destination') return destinations(db)
  if (field.reference === undefined) return field.choices ?? []
  const { table, label } = field.reference
  const rows = await db<Record<string, unknown>>(table).select('id', label).orderBy(label)
  return rows.map((row) => ({ value: String(row['id']), label: String(row[label]) }))
}

async function destinations(db: Knex): Promise<readonly Choice[]> {
  const numbered = async (table: string, kind: string, title: string): Promise<Choice[]> => {
    const rows = await db<{ number: string; name: string }>(table)
      .select('number', 'name')
      .orderBy('number')
    return rows.map((row) => ({
      value: `${kind}:${row.number}`,
      label: `${title} ${row.number} ${row.name}`,
    }))
  }
  const conditions = await db<{ id: number; name: string }>('time_conditions').orderBy('name')
  return [
    { value: 'hangup', label: 'Hang up' },
    ...(await numbered('extensions', 'extension', 'Extension')),
    ...(await numbered('extensions', 'voicemail', 'Voicemail of')),
    ...(await numbered('ring_groups', 'ring-group', 'Ring group')),
    ...(await numbered('ivr_menus', 'ivr', 'IVR')),
    ...conditions.map((row) => ({
      value: `time-condition:${row.id}`,
      label: `Time condition ${row.name}`,
    })),
  ]
}
