import { join } from 'node:path'
import { writeDurably } from '../files/durable-file.ts'
import type { Logger } from '../logger.ts'
import { type LineFile, openLineFile, readLines } from './line-file.ts'
import {
  applyRecords,
  compacted,
  EMPTY_OUTBOX,
  excessOf,
  type OutboxRecord,
  type OutboxState,
  toOutboxRecord,
} from './outbox-state.ts'

/** Messages that wait for delivery, and what became of the last ones; survives a restart and a power cut. */
export interface Outbox {
  state(): OutboxState
  /** Durable when it returns; only then the state shows it. Errors: HS_STATE_UNREADABLE. */
  add(records: readonly OutboxRecord[]): Promise<void>
  close(): Promise<void>
}

/** Longer than messages are tried: a server that comes back with one that was sent must find it known. */
const KEEP_DONE_MS = 7 * 86_400_000
const KEEP_DONE = 3000
const MOST_WAITING = 5000
const LINES_BEFORE_COMPACTION = 20_000

/** Opens the outbox; damaged lines are skipped and logged. Errors: HS_STATE_UNREADABLE. */
export async function openOutbox(
  stateDirectory: string,
  logger: Logger,
  now: () => number = Date.now,
): Promise<Outbox> {
  const path = join(stateDirectory, 'outbox.jsonl')
  let state = await readState(path, logger)
  let lines = 0
  let file: LineFile | null = null
  let work: Promise<void> = Promise.resolve()
  let closed = false

  const compact = async (): Promise<void> => {
    await file?.close()
    file = null
    const records = compacted(state, {
      nowMs: now(),
      keepDoneMs: KEEP_DONE_MS,
      keepDone: KEEP_DONE,
    })
    await writeDurably(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    state = applyRecords(EMPTY_OUTBOX, records)
    lines = records.length
    file = await openLineFile(path)
  }
  const append = async (records: readonly OutboxRecord[]): Promise<void> => {
    if (closed) throw new Error('the outbox is closed')
    if (file === null || lines > LINES_BEFORE_COMPACTION) await compact()
    await file?.append(
      records.map((record) => JSON.stringify(record)),
      true,
    )
    lines += records.length
    state = applyRecords(state, records)
    const excess = excessOf(state, MOST_WAITING)
    if (excess.length === 0) return
    logger.error(
      { messages: excess.length },
      'too many messages wait; the least important are given up',
    )
    await append(excess)
  }
  await compact()
  return {
    state: () => state,
    add(records) {
      const done = work.then(() => append(records))
      work = done.catch(() => undefined)
      return done
    },
    async close() {
      await work
      closed = true
      await file?.close()
      file = null
    },
  }
}

async function readState(path: string, logger: Logger): Promise<OutboxState> {
  const records: OutboxRecord[] = []
  let damaged = 0
  for await (const { document } of readLines(path)) {
    const record = toOutboxRecord(document)
    if (record === null) damaged += 1
    else records.push(record)
  }
  if (damaged > 0)
    logger.warn({ lines: damaged }, 'the outbox has lines that are damaged; they are skipped')
  return applyRecords(EMPTY_OUTBOX, records)
}
