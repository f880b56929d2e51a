import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { Input, Problems, Resource, RowList, Value, Values } from './resource.ts'

type Row = Record<string, unknown>

/** The rows of the list page. Passwords are never among them. */
export async function listResource(db: Knex, resource: Resource): Promise<Row[]> {
  const secrets = resource.fields.filter((field) => field.kind === 'secret')
  const rows = await db<Row>(resource.table).orderBy(resource.orderBy).limit(10_000)
  return rows.map((row) =>
    without(
      row,
      secrets.map((field) => field.name),
    ),
  )
}

/** One entry as flat form input, or null. */
export async function loadResource(
  db: Knex,
  resource: Resource,
  id: number,
): Promise<Input | null> {
  const row = await db<Row>(resource.table).where({ id }).first()
  if (row === undefined) return null
  const input: Record<string, string> = {}
  const put = (prefix: string, from: Row, names: readonly string[]): void => {
    for (const name of names) input[prefix + name] = toText(from[name])
  }
  put('', row, resource.fields.filter((field) => field.kind !== 'secret').map(nameOf))
  const { detail, rows } = resource
  if (detail !== undefined) {
    const found = await db<Row>(detail.table)
      .where({ [detail.key]: id })
      .first()
    put(`${detail.name}.`, found ?? {}, detail.fields.map(nameOf))
  }
  if (rows !== undefined) {
    const found = await db<Row>(rows.table)
      .where({ [rows.key]: id })
      .orderBy(rows.orderBy)
    found.forEach((each, index) => put(`${rows.name}.${index}.`, each, rows.fields.map(nameOf)))
  }
  return input
}

/** Writes entry, detail and list in one transaction. */
export async function saveResource(
  db: Knex,
  resource: Resource,
  id: number | null,
  values: Values,
): Promise<{ readonly id: number } | { readonly problems: Problems }> {
  try {
    const saved = await db.transaction(async (transaction) => {
      const taken = await numberTaken(transaction, resource, id, values)
      if (taken !== null) return { problems: { number: taken } }
      const savedId = await saveMain(transaction, resource, id, values)
      await saveDetail(transaction, resource, savedId, values)
      if (resource.rows !== undefined) await saveRows(transaction, resource.rows, savedId, values)
      return { id: savedId }
    })
    return saved
  } catch (error) {
    const problems = uniqueProblem(error)
    if (problems === null) throw error
    return { problems }
  }
}

/** Returns what is still using the entry, or null when it was removed. */
export async function removeResource(
  db: Knex,
  resource: Resource,
  id: number,
): Promise<string | null> {
  try {
    await db(resource.table).where({ id }).delete()
    return null
  } catch (error) {
    const { code, table } = error as { code?: string; table?: string }
    if (code !== '23503') throw error
    return `It is still used in ${(table ?? 'another table').replaceAll('_', ' ')}.`
  }
}

async function saveMain(
  transaction: Knex.Transaction,
  resource: Resource,
  id: number | null,
  values: Values,
): Promise<number> {
  const row: Record<string, unknown> = { ...values.main }
  for (const field of resource.fields) {
    if (field.kind !== 'secret' || row[field.name] !== null) continue
    // An empty password keeps the one that is set; a new entry gets a random one.
    if (id !== null) Reflect.deleteProperty(row, field.name)
    else row[field.name] = randomBytes(15).toString('base64url')
  }
  if (resource.path === 'extensions') row['changed_at'] = transaction.fn.now()
  if (id === null) {
    const [created] = await transaction<Row>(resource.table).insert(row).returning('id')
    return Number(created?.['id'])
  }
  await transaction(resource.table).where({ id }).update(row)
  return id
}

async function saveDetail(
  transaction: Knex.Transaction,
  { detail }: Resource,
  id: number,
  values: Values,
): Promise<void> {
  if (detail === undefined || values.detail === null) return
  await transaction(detail.table)
    .insert({ ...values.detail, [detail.key]: id })
    .onConflict(detail.key)
    .merge()
}

async function saveRows(
  transaction: Knex.Transaction,
  rows: RowList,
  id: number,
  values: Values,
): Promise<void> {
  await transaction(rows.table)
    .where({ [rows.key]: id })
    .delete()
  const lines = (values.rows ?? []).map((row, index) => ({
    ...row,
    [rows.key]: id,
    ...(rows.position === undefined ? {} : { [rows.position]: index + 1 }),
  }))
  if (lines.length > 0) await transaction(rows.table).insert(lines)
}

const DIALLED_TABLES = ['extensions', 'ring_groups', 'ivr_menus']

async function numberTaken(
  transaction: Knex.Transaction,
  resource: Resource,
  id: number | null,
  values: Values,
): Promise<string | null> {
  if (resource.dialled !== true) return null
  for (const table of DIALLED_TABLES) {
    const number = values.main['number'] as Value
    const query = transaction(table).where({ number })
    if (table === resource.table && id !== null) void query.whereNot({ id })
    const found: unknown = await query.first('id')
    if (found !== undefined)
      return `This number is taken by another ${table.replaceAll('_', ' ').replace(/s$/, '')}.`
  }
  return null
}

function uniqueProblem(error: unknown): Problems | null {
  const { code, detail } = error as { code?: string; detail?: string }
  if (code !== '23505') return null
  const column = /^Key \("?(\w+)"?\)=/.exec(detail ?? '')?.[1] ?? 'name'
  return { [column]: 'Another entry has this value already.' }
}

function nameOf(field: { readonly name: string }): string {
  return field.name
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'on' : ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^\d\d:\d\d:00$/.test(text) ? text.slice(0, 5) : text
}

function without(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)))
}
