import type { Duplex } from 'node:stream'
import type { StreamTarget } from '../db/connector.ts'

/**
 * Streams to the active server that can all be ended at once. A server that hangs still has open connections, and a
 * question asked over one of them would be waited for as long as it hangs.
 */
export interface CuttableSource {
  connect(): Promise<StreamTarget>
  /** Ends every stream, also those that are being opened; later ones are refused. */
  cut(): void
}

export function createCuttableSource(open: () => Promise<StreamTarget>): CuttableSource {
  const streams = new Set<Duplex>()
  const cut = new AbortController()
  const refused = (): Error => new Error('this server stopped following')

  return {
    async connect() {
      if (cut.signal.aborted) throw refused()
      const opening = open()
      const target = await unlessCut(opening, cut.signal, refused).catch((error: unknown) => {
        void opening.then(({ stream }) => stream.destroy()).catch(() => undefined)
        throw error
      })
      streams.add(target.stream)
      target.stream.once('close', () => streams.delete(target.stream))
      return target
    },
    cut() {
      cut.abort()
      for (const stream of [...streams]) stream.destroy(refused())
    },
  }
}

function unlessCut<Value>(
  value: Promise<Value>,
  signal: AbortSignal,
  reason: () => Error,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(reason())
    signal.addEventListener('abort', end, { once: true })
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
