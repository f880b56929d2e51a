import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

export interface CopyResult {
  readonly rows: number
  readonly bytes: number
}

/**
 * Streams rows from one database to the other with back-pressure. Values stay the text that PostgreSQL wrote; nothing
 * is parsed and at most some buffers are held in memory. When it fails both connections stay usable: the source is
 * read to its end, the target's COPY is ended with an error.
 */
export async function copyBetween(
  source: pg.Client,
  select: string,
  target: pg.Client,
  into: string,
  onBytes: (count: number) => void = () => undefined,
): Promise<CopyResult> {
  let bytes = 0
  let failure: Error | undefined
  let inputEnded = false
  const input = target.query(copyFrom(`copy ${into} from stdin`))
  const output = source.query(copyTo(`copy (${select}) to stdout`))
  const written = new Promise<void>((resolve) => {
    input.once('finish', resolve)
    input.once('error', (error: Error) => {
      inputEnded = true
      failure ??= error
      output.unpipe(input)
      output.resume()
      resolve()
    })
  })
  const read = new Promise<void>((resolve) => {
    output.once('end', resolve)
    output.once('error', (error: Error) => {
      failure ??= error
      letGo(output)
      if (!inputEnded) input.destroy(error)
      resolve()
    })
  })
  output.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    onBytes(chunk.length)
  })
  output.pipe(input)
  await Promise.all([read, written])
  if (failure !== undefined) throw failure
  return { rows: input.rowCount, bytes }
}

/**
 * After an error the library has dropped its buffers, and would still read the connection when its stream is asked for
 * more: an exception that nobody can catch.
 */
function letGo(output: ReturnType<typeof copyTo>): void {
  Object.assign(output, { connection: null })
}
