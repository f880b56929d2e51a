import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { AgentConfig } from '../plugin/config/agent-config.ts'
import type { AppliedPosition } from '../plugin/core/position.ts'

/** How the standby's engine reaches the active. */
export interface HostConfig {
  readonly serverId: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

type Call =
  | { readonly name: 'open' | 'promote' | 'currentPosition' | 'resynchronise' }
  | { readonly name: 'phase' | 'status' | 'restart' | 'close' }
  | { readonly name: 'follow'; readonly source: HostConfig }
  | { readonly name: 'applyUpTo'; readonly position: AppliedPosition }

export type EngineCall = Call & { readonly id: number }

/** An engine in a process of its own. */
export class EngineProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >()
  #calls = 0

  constructor(config: AgentConfig['database'], serverId: string) {
    const host = join(import.meta.dirname, 'engine-host.ts')
    this.#child = fork(host, [JSON.stringify({ config, serverId })], {
      execArgv: ['--import=tsx'],
    })
    this.#child.on('message', (answer: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error === undefined) waiting?.resolve(answer.value)
      else waiting?.reject(new Error(answer.error))
    })
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the engine ended'))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  call(call: Call): Promise<unknown> {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ ...call, id })
    })
  }

  async close(): Promise<void> {
    await this.call({ name: 'close' })
    this.#child.disconnect()
  }
}
