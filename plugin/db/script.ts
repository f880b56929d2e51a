import type pg from 'pg'
import { quoteLiteral } from './identifiers.ts'

/** What one statement of a script answered; values are the text that PostgreSQL wrote. */
export interface StatementResult {
  readonly rows: readonly (readonly (string | null)[])[]
  /** Rows that it touched, as its command tag says. */
  readonly count: number
}

/** What `pg` needs of a connection to send a script; not part of its published types. */
interface WireConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/**
 * Sends several statements at once and waits once: a round trip for a whole batch instead of one for each statement.
 * `copies` are the data of the COPY … FROM STDIN statements among them, in order; they travel with the script. When a
 * statement fails, PostgreSQL skips the rest and drops the data that it has not asked for.
 */
export function runScript(
  client: pg.Client,
  sql: string,
  copies: readonly Buffer[] = [],
): Promise<readonly StatementResult[]> {
  return new Promise((resolve, reject) => {
    client.query(new Script(sql, copies, resolve, reject) as unknown as pg.Submittable)
  })
}

class Script {
  readonly #sql: string
  readonly #copies: readonly Buffer[]
  readonly #resolve: (results: readonly StatementResult[]) => void
  readonly #reject: (error: Error) => void
  readonly #results: StatementResult[] = []
  #rows: (string | null)[][] = []

  constructor(
    sql: string,
    copies: readonly Buffer[],
    resolve: (results: readonly StatementResult[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#sql = sql
    this.#copies = copies
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: WireConnection): void {
    connection.query(this.#sql)
    for (const copy of this.#copies) {
      connection.sendCopyFromChunk(copy)
      connection.endCopyFrom()
    }
  }

  handleRowDescription(): void {
    this.#rows = []
  }

  handleDataRow(message: { readonly fields: (string | null)[] }): void {
    this.#rows.push(message.fields)
  }

  handleCommandComplete(message: { readonly text: string }): void {
    const count = Number(/(\d+)$/.exec(message.text)?.[1] ?? 0)
    this.#results.push({ rows: this.#rows, count })
    this.#rows = []
  }

  /** The data are on their way already. */
  handleCopyInResponse(): void {}

  handleCopyData(): void {}

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleError(error: Error): void {
    this.#reject(error)
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#results)
  }
}

const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** Rows in the text format of COPY. */
export function copyText(rows: readonly (readonly (string | null)[])[]): Buffer {
  const lines = rows.map((row) => `${row.map(copyField).join('\t')}\n`)
  return Buffer.from(lines.join(''))
}

function copyField(value: string | null): string {
  if (value === null) return '\\N'
  return /[\\\n\r\t]/.test(value)
    ? value.replace(/[\\\n\r\t]/g, (character) => COPY_ESCAPES[character] ?? character)
    : value
}

/** Texts as the literal of a `text[]`. */
export function textArrayLiteral(values: readonly string[]): string {
  const items = values.map(
    (value) => `"${value.replace(/["\\]/g, (character) => `\\${character}`)}"`,
  )
  return quoteLiteral(`{${items.join(',')}}`)
}
