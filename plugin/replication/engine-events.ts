import { EventEmitter } from 'node:events'
import type { AppliedPosition } from '../core/position.ts'
import type { EventKind } from '../core/event-kinds.ts'
import type { CopyProgress } from '../api/status-document.ts'
import type { ReplicationEvents } from '../ports.ts'

/** The engine's events, by name and type; a listener that throws is our bug and may not stop replication. */
export class EngineEvents {
  readonly #emitter = new EventEmitter()
  #databaseUp: boolean | null = null
  #inSync: boolean | null = null

  on<Name extends keyof ReplicationEvents>(
    name: Name,
    listener: (event: ReplicationEvents[Name]) => void,
  ): void {
    this.#emitter.on(name, listener)
  }

  history(kind: EventKind, reason: string, data: Readonly<Record<string, unknown>>): void {
    this.#emitter.emit('history', { kind, reason, data } satisfies ReplicationEvents['history'])
  }

  databaseUp(up: boolean): void {
    if (this.#databaseUp === up) return
    this.#databaseUp = up
    this.#emitter.emit('databaseUp', up)
  }

  inSync(inSync: boolean): void {
    if (this.#inSync === inSync) return
    this.#inSync = inSync
    this.#emitter.emit('inSync', inSync)
  }

  copyProgress(progress: CopyProgress): void {
    this.#emitter.emit('copyProgress', progress)
  }

  applied(position: AppliedPosition): void {
    this.#emitter.emit('applied', position)
  }
}
