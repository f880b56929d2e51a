import { z } from 'zod'

/** Names of the database, as an administrator writes them: without quotes, exactly as PostgreSQL has them. */

export const sqlName = z
  .string()
  .min(1, 'is empty | Give a name.')
  .refine(
    (name) => Buffer.byteLength(name) <= 63,
    'is too long | PostgreSQL names have 63 bytes at most.',
  )
export const tableName = z
  .string()
  .regex(/^[^.]+(\..+)?$/su, 'is not a table name | Write `table` or `schema.table`.')

export const columnName = z
  .string()
  .regex(
    /^[^.]+\..*[^.]$/su,
    'is not a column name | Write `table.column` or `schema.table.column`.',
  )
