import type { StatusDocument } from '../api/status-document.ts'
import { checkRequirements } from '../core/check-requirements.ts'
import type { ServerFacts } from '../core/facts.ts'
import type { RequirementResult } from '../core/requirements.ts'
import type { PairSettings, ServerSettings } from '../core/settings.ts'
import { toHotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { History, PeerClient, PeerHello } from '../ports.ts'

const INTERVAL_MS = 1000

/** What the last conversation with the peer brought. */
export interface PeerKnowledge {
  readonly facts: ServerFacts | null
  /** The peer's own status page; null while it cannot be asked. */
  readonly status: StatusDocument | null
  readonly requirements: readonly RequirementResult[]
}

/** Asks the peer for its facts, settings and status once a second, over the TLS channel. */
export interface PeerExchange {
  knowledge(): PeerKnowledge
  /** A hello that the peer sent to us says the same as one that we fetched. */
  heard(hello: PeerHello): void
  start(): void
  stop(): void
}

export interface PeerExchangeOptions {
  readonly client: PeerClient
  readonly paired: () => boolean
  readonly hello: () => Promise<PeerHello>
  readonly serverSettings: () => ServerSettings | null
  readonly pairSettings: () => PairSettings | null
  /** The peer has newer pair settings. */
  readonly adopt: (pair: PairSettings) => Promise<void>
  readonly history: History
  readonly logger: Logger
}

/** Opens nothing until `start`. A failed conversation is tried again at the next interval. */
export function createPeerExchange(options: PeerExchangeOptions): PeerExchange {
  const { client, history, logger } = options
  let knowledge: PeerKnowledge = { facts: null, status: null, requirements: [] }
  let timer: NodeJS.Timeout | null = null
  let running = false

  const heard = (hello: PeerHello): void => {
    void take(hello, Date.now()).catch((error: unknown) =>
      logger.warn({ err: error }, 'the hello of the peer could not be used'),
    )
  }
  /** Both clocks are read at the arrival: our own facts may take a while to read. */
  const take = async (hello: PeerHello, arrivedMs: number): Promise<void> => {
    const own = await options.hello()
    const facts = { ...own.facts, clockMs: arrivedMs }
    const present = options.pairSettings()
    // Facts depend on what the settings leave out: they are compared when both servers have the same settings.
    const isChanging =
      hello.pair !== null && present !== null && hello.pair.version !== present.version
    const requirements = isChanging ? knowledge.requirements : compare({ ...own, facts }, hello)
    recordChanges(knowledge.requirements, requirements, history)
    knowledge = { ...knowledge, facts: hello.facts, requirements }
    if (hello.pair !== null && hello.pair.version > (present?.version ?? 0))
      await options.adopt(hello.pair)
  }
  const compare = (own: PeerHello, peer: PeerHello): readonly RequirementResult[] => {
    const server = options.serverSettings()
    return server === null
      ? []
      : checkRequirements(own.facts, peer.facts, { server, pair: options.pairSettings() })
  }
  const converse = async (): Promise<void> => {
    if (running || !options.paired()) return
    running = true
    try {
      const [answer, status] = await Promise.all([
        client.hello(await options.hello()).then((hello) => ({ hello, arrivedMs: Date.now() })),
        client.status(),
      ])
      knowledge = { ...knowledge, status }
      await take(answer.hello, answer.arrivedMs)
    } catch (error) {
      knowledge = { ...knowledge, status: null }
      logger.debug({ reason: toHotStandbyError(error).message }, 'the peer could not be asked')
    } finally {
      running = false
    }
  }

  return {
    knowledge: () => knowledge,
    heard,
    start() {
      timer = setInterval(() => void converse(), INTERVAL_MS).unref()
      void converse()
    },
    stop() {
      if (timer !== null) clearInterval(timer)
      timer = null
    },
  }
}

/** A requirement that changed its answer since the last comparison goes into the history. */
function recordChanges(
  before: readonly RequirementResult[],
  after: readonly RequirementResult[],
  history: History,
): void {
  for (const result of after) {
    const wasMet = before.find((former) => former.id === result.id)?.met ?? true
    if (result.met === wasMet) continue
    const failed = result.id === 'sameFirmware' ? 'firmwareDiffers' : 'requirementFailed'
    history.record({
      kind: result.met ? 'requirementMet' : failed,
      reason: `${result.title}: this server ${result.own}, peer ${result.peer}${result.met ? '' : `. ${result.remedy}`}`,
      data: { requirement: result.id },
    })
  }
}
