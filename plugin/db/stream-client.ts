import { Duplex } from 'node:stream'

/**
 * A socket-like stream for `pg` whose other end is opened when `pg` calls `connect`. The channel's streams arrive by
 * promise and are connected already, while `pg` wants a socket that it connects itself; this one stands between.
 */
export class LazyStream extends Duplex {
  readonly #open: () => Promise<Duplex>
  #inner: Duplex | null = null

  constructor(open: () => Promise<Duplex>) {
    super({ allowHalfOpen: false })
    this.#open = open
  }

  /** Called by `pg` with port and host, which mean nothing here. */
  connect(): this {
    this.#open().then(
      (inner) => this.#attach(inner),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    )
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    this.#inner?.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#inner === null) done(new Error('The stream is not connected'))
    else if (this.#inner.write(chunk)) done()
    else this.#whenDrained(this.#inner, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner?.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy()
    done(error)
  }

  #attach(inner: Duplex): void {
    if (this.destroyed) {
      inner.on('error', () => undefined)
      inner.destroy()
      return
    }
    this.#inner = inner
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause()
    })
    inner.once('end', () => this.push(null))
    inner.once('close', () => this.destroy())
    inner.on('error', (error) => this.destroy(error))
    this.emit('connect')
  }

  /** A stream that closes while it is full never drains; without this the writer would wait for ever. */
  #whenDrained(inner: Duplex, done: (error?: Error | null) => void): void {
    const drained = (): void => {
      inner.off('close', closed)
      done()
    }
    const closed = (): void => {
      inner.off('drain', drained)
      done(new Error('The connection was closed'))
    }
    inner.once('drain', drained)
    inner.once('close', closed)
  }
}
