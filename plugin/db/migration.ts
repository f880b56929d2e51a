/** One step of our own schema; `:schema` in the SQL is the quoted name of it. */
export interface Migration {
  /** Unique and sortable: `0001_journal`. */
  readonly name: string
  readonly sql: string
}
