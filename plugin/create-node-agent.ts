import type { AgentConfig } from './config/agent-config.ts'
import { HotStandbyError } from './errors.ts'
import { type Logger, silentLogger } from './logger.ts'
import type { Closers } from './node-agent/closers.ts'
import { startNode } from './node-agent/start-node.ts'

export interface NodeAgent {
  /**
   * Resolves when the agent serves its socket.
   * Errors: HS_AGENT_RUNNING, HS_STATE_UNREADABLE, HS_CONFIG_INVALID, HS_DATABASE_* except unreachable, which is waited for.
   */
  start(): Promise<void>
  /** Hands over or lets go, then closes everything; safe to call twice. */
  stop(): Promise<void>
  /** Rejects when the agent found itself wrong and let go; its process should end then. */
  readonly failed: Promise<never>
}

export interface NodeAgentOptions {
  readonly logger?: Logger
}

/** The agent of one server; opens nothing until `start`. */
export function createNodeAgent(
  config: AgentConfig,
  { logger = silentLogger }: NodeAgentOptions = {},
): Promise<NodeAgent> {
  const opened: Closers = []
  let fail: (error: Error) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = (cause) =>
      reject(new HotStandbyError('HS_INTERNAL', { reason: cause.message }, { cause }))
  })
  failed.catch(() => undefined) // Whoever runs the agent waits for it; nobody has to.

  const stop = async (): Promise<void> => {
    for (let close = opened.pop(); close !== undefined; close = opened.pop()) {
      try {
        await close()
      } catch (error) {
        logger.error({ err: error }, 'a part did not close')
      }
    }
  }
  return Promise.resolve({
    failed,
    stop,
    async start() {
      try {
        await startNode({ config, logger, onFatal: fail }, opened)
      } catch (error) {
        await stop()
        throw error
      }
    },
  })
}
