import type pg from 'pg'
import { closeQuietly, type Connector } from '../db/connector.ts'
import { delay } from '../db/delay.ts'
import { isConnectionLost } from '../db/sql-state.ts'

/** One connection to the local database for short statements: opened when needed, replaced when lost. */
export class LocalDatabase {
  readonly #connector: Connector
  readonly #onUp: (up: boolean) => void
  #client: pg.Client | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(connector: Connector, onUp: (up: boolean) => void) {
    this.#connector = connector
    this.#onUp = onUp
  }

  /** Runs statements one caller at a time. A lost connection rejects the caller; the next one gets a new connection. */
  run<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(() => this.#runNow(work))
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #runNow<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = await this.#connected()
    try {
      return await work(client)
    } catch (error) {
      if (isConnectionLost(error)) {
        this.#client = null
        void closeQuietly(client)
        this.#onUp(false)
      }
      throw error
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#closed) throw new Error('the database connection was closed')
    if (this.#client !== null) return this.#client
    try {
      const client = await this.#connector.open('agent')
      client.once('end', () => {
        if (this.#client === client) this.#client = null
      })
      this.#client = client
      this.#onUp(true)
      return client
    } catch (error) {
      this.#onUp(false)
      throw error
    }
  }

  /** Notices until the signal that the database went away or came back, also when nothing else asks. */
  async watch(everyMs: number, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await delay(everyMs, stop)
      await this.run((db) => db.query('select 1')).catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#queue
    await closeQuietly(this.#client)
    this.#client = null
  }
}
