import pgListen, { type Subscriber } from 'pg-listen'
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import type { Connector } from '../db/connector.ts'
import { delay } from '../db/delay.ts'
import type { Logger } from '../logger.ts'

/** The channel of the capture triggers; constant and lower case, the payload is empty. */
export const WAKE_CHANNEL = 'pbx_hot_standby'

/** A CommonJS module: its default export arrives as a property of ours. */
const createSubscriber = (pgListen as unknown as { readonly default: typeof pgListen.default })
  .default

const HEARTBEAT_MS = 5000
const QUERY_TIMEOUT_MS = 3000
/** So many failures in a row are told: a restart of the active alone is none. */
const TOLD_FAILURES = 4

/**
 * Listens for wake-ups of one database. Only a hint: whoever uses it polls underneath. pg-listen gives up, hangs or
 * ends the process by default; this supervisor configures it not to, checks the registration itself, and replaces the
 * whole subscriber when it fails.
 */
export class WakeUp {
  readonly #connector: Connector
  readonly #logger: Logger
  readonly #stop = new AbortController()
  readonly #wake: () => void
  #subscriber: Subscriber | null = null
  #healthy = false
  #running: Promise<void> | null = null

  constructor(connector: Connector, wake: () => void, logger: Logger) {
    this.#connector = connector
    this.#wake = wake
    this.#logger = logger
  }

  /** Wake-ups arrive: the listener is connected and registered. */
  healthy(): boolean {
    return this.#healthy
  }

  start(): void {
    this.#running ??= this.#supervise()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #supervise(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        await this.#listenOnce(() => {
          if (failures >= TOLD_FAILURES) this.#logger.info({}, 'wake-ups arrive again')
          failures = 0
        })
      } catch (error) {
        if (failures + 1 === TOLD_FAILURES)
          this.#logger.warn(
            { error: String(error) },
            'wake-ups do not arrive; changes are found by polling, half a second later',
          )
        this.#logger.debug(
          { error: String(error) },
          'the wake-up listener failed and is started again',
        )
      }
      this.#healthy = false
      await delay(Math.min(200 * 2 ** failures, 5000), this.#stop.signal)
    }
  }

  /** Runs until the listener fails or is closed. */
  async #listenOnce(succeeded: () => void): Promise<void> {
    const life = { ended: false }
    const subscriber = createSubscriber(
      untilEnded(await this.#connector.config('listener'), life),
      {
        parse: (payload: string) => payload,
        retryTimeout: 0,
        retryLimit: Infinity,
        retryInterval: (attempt: number) => retryInterval(attempt, life),
        paranoidChecking: false,
      },
    )
    this.#subscriber = subscriber
    const failed = new Promise<never>((_, reject) => subscriber.events.on('error', reject))
    failed.catch(() => undefined)
    subscriber.events.on('reconnect', () => (this.#healthy = false))
    subscriber.events.on('connected', () => {
      if (life.ended) void subscriber.close().catch(() => undefined)
      else this.#listening(succeeded)
    })
    subscriber.notifications.on(WAKE_CHANNEL, () => this.#wake())
    try {
      await Promise.race([subscriber.connect(), failed])
      await Promise.race([subscriber.listenTo(WAKE_CHANNEL), failed])
      this.#listening(succeeded)
      await Promise.race([this.#heartbeat(), failed])
    } finally {
      life.ended = true
      this.#healthy = false
      this.#subscriber = null
      await closeSubscriber(subscriber)
    }
  }

  /** Whatever was notified while nobody listened is found by looking. */
  #listening(succeeded: () => void): void {
    this.#healthy = true
    succeeded()
    this.#wake()
  }

  /** Asks the listening connection itself: it notices half-open links and a registration that a pooler dropped. */
  async #heartbeat(): Promise<void> {
    for (;;) {
      await delay(HEARTBEAT_MS, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      const subscriber = this.#subscriber
      if (subscriber === null) return
      if (!this.#healthy) continue
      if (!(await isListening(subscriber)) && this.#healthy)
        throw new Error('the listener is not registered any more')
    }
  }
}

interface Life {
  ended: boolean
}

/** A subscriber that is closed while it reconnects would connect all the same, and nobody would ever close it. */
function untilEnded(config: pg.ClientConfig, life: Life): pg.ClientConfig {
  const { stream } = config
  const limited = { ...config, query_timeout: QUERY_TIMEOUT_MS }
  if (typeof stream !== 'function') return limited
  return {
    ...limited,
    stream: (...input) => {
      const opened = stream(...input) as unknown as Duplex
      if (life.ended) opened.destroy(new Error('the listener was closed'))
      return opened
    },
  }
}

/** pg-listen stops trying when this throws, and only then. */
function retryInterval(attempt: number, life: Life): number {
  if (life.ended) throw new Error('the listener was closed')
  return Math.min(200 * 2 ** attempt, 5000) + Math.random() * 100
}

/** pg-listen has no query of its own: a NOTIFY that comes back proves connection and registration at once. */
async function isListening(subscriber: Subscriber): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (result: boolean): void => {
      clearTimeout(timer)
      subscriber.notifications.removeListener(WAKE_CHANNEL, heard)
      resolve(result)
    }
    const heard = (): void => finish(true)
    const timer = setTimeout(() => finish(false), QUERY_TIMEOUT_MS)
    subscriber.notifications.on(WAKE_CHANNEL, heard)
    subscriber.notify(WAKE_CHANNEL).catch(() => finish(false))
  })
}

async function closeSubscriber(subscriber: Subscriber): Promise<void> {
  subscriber.events.removeAllListeners('error')
  subscriber.events.on('error', () => undefined)
  await Promise.race([subscriber.close().catch(() => undefined), delay(1000)])
}
