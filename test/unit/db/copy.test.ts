import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import type pg from 'pg'
import { copyBetween } from '../../../plugin/db/copy.ts'

/** What the library makes of a COPY: it reads the connection itself. */
interface CopyQuery {
  submit(connection: { stream: PassThrough; query(text: string): void }): void
  handleError(error: Error): void
}

function copyData(length: number): Buffer {
  const head = Buffer.alloc(5)
  head.write('d')
  head.writeUInt32BE(length + 4, 1)
  return Buffer.concat([head, Buffer.alloc(length, 'x')])
}

describe('a stream of rows from one database to another', () => {
  it('does not read a connection any more that was lost while rows waited for the target', async () => {
    const stream = new PassThrough({ highWaterMark: 10_000_000 })
    stream.on('data', () => undefined)
    let query: CopyQuery | null = null
    const source = {
      query(submitted: CopyQuery) {
        query = submitted
        submitted.submit({ stream, query: () => undefined })
        return submitted
      },
    }
    const target = { query: () => new Writable({ write: () => undefined }) }
    const copying = copyBetween(
      source as unknown as pg.Client,
      'select',
      target as unknown as pg.Client,
      'sink',
    )
    const failed = assert.rejects(copying, /the connection is lost/)
    for (let n = 0; n < 20; n++) stream.write(copyData(50_000))
    await new Promise(setImmediate)
    // More waits in the connection when it is lost.
    for (let n = 0; n < 20; n++) stream.write(copyData(50_000))
    query!.handleError(new Error('the connection is lost'))
    await failed
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  })
})
