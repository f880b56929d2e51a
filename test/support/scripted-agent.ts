import { join } from 'node:path'
import type { AgentApi, CallContext, StreamEvent } from '../../plugin/api/agent-api.ts'
import type { HistoryEntry, StatusDocument } from '../../plugin/api/status-document.ts'
import { startApiServer, type ApiServer } from '../../plugin/agent/api-server.ts'
import { isTemplateName, previewTemplate } from '../../plugin/config/message-template.ts'
import { mergeNotifications } from '../../plugin/config/notification-fields.ts'
import { DEFAULT_NOTIFICATIONS } from '../../plugin/core/settings.ts'
import { parseSettings } from '../../plugin/config/settings-schema.ts'
import { HotStandbyError } from '../../plugin/errors.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { pairedStatus } from './web-status.ts'

/** An agent whose answers a test writes, behind the real socket server with its real checks of input. */
export interface ScriptedAgent {
  readonly socketPath: string
  /** What was asked, in order. */
  readonly calls: readonly ScriptedCall[]
  /** Changes what `status` answers and tells it to everyone who follows. */
  setStatus(status: StatusDocument): void
  tell(entry: HistoryEntry): void
  /** Takes the place of one call. */
  on<Name extends keyof AgentApi>(name: Name, answer: AgentApi[Name]): void
  forget(): void
  stop(): Promise<void>
  start(): Promise<void>
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

export interface ScriptedCall {
  readonly name: keyof AgentApi
  readonly input: unknown
  readonly actor: string | null
}

export async function startScriptedAgent(): Promise<ScriptedAgent> {
  const folder = temporaryFolder()
  const socketPath = join(folder.path, 'agent.sock')
  const listeners = new Set<(event: StreamEvent) => void>()
  const calls: ScriptedCall[] = []
  let status = pairedStatus()
  let overrides: Partial<AgentApi> = {}
  let server: ApiServer | null = null

  const defaults = answers(() => status)
  const api = Object.fromEntries(
    Object.keys(defaults).map((key) => {
      const name = key as keyof AgentApi
      return [
        name,
        async (...given: readonly unknown[]) => {
          const context = given.at(-1) as CallContext | undefined
          const input = given.length > 1 ? given[0] : undefined
          calls.push({ name, input, actor: context?.actor ?? null })
          const script = { ...defaults, ...overrides } as unknown as Script
          return script[name]?.(...given)
        },
      ]
    }),
  ) as unknown as AgentApi

  const start = async (): Promise<void> => {
    server ??= await startApiServer({
      socketPath,
      api,
      subscribe: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    })
  }
  const stop = async (): Promise<void> => {
    const stopping = server
    server = null
    await stopping?.close()
  }
  const tellAll = (event: StreamEvent): void => {
    for (const listener of listeners) listener(event)
  }
  await start()
  return {
    socketPath,
    calls,
    setStatus(next) {
      status = next
      tellAll({ name: 'status', data: next })
    },
    tell: (entry) => tellAll({ name: 'history', data: entry }),
    on(name, answer) {
      overrides = { ...overrides, [name]: answer }
    },
    forget() {
      calls.length = 0
      overrides = {}
    },
    start,
    stop,
    async close() {
      await stop()
      folder.remove()
    },
  }
}

const PAIR_DATA = {
  primary: { tables: 0, rows: 0, isExact: true, lastActiveAt: null },
  secondary: { tables: 3, rows: 1234, isExact: true, lastActiveAt: null },
}

type Script = Partial<Record<string, (...input: readonly unknown[]) => Promise<unknown>>>

/** What a well agent says; settings are checked by the shipped schema. */
function answers(status: () => StatusDocument): AgentApi {
  const operation = {
    id: 'operation-1',
    kind: 'takeOver',
    startedAt: '2026-03-01T10:00:00.000Z',
    finishedAt: null,
    outcome: 'running',
    steps: [{ at: '2026-03-01T10:00:00.000Z', text: 'asked the active server to prepare' }],
    reason: null,
  } as const
  return {
    status: () => Promise.resolve(status()),
    changesTurn: () => new Promise(() => undefined),
    events: () => Promise.resolve({ events: [] }),
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    doctor: () => Promise.resolve({ ok: true, checks: [] }),
    async saveSettings(input) {
      const { settings } = status()
      const parsed = parseSettings(input, settings, {
        network: status().server.facts?.network ?? null,
        hostName: 'pbx-1',
        networkInterface: 'eth0',
        port: 7421,
      })
      return Promise.resolve({ settings: parsed })
    },
    makeAccessCode: () =>
      Promise.resolve({
        accessCode: 'HS1-4F7K-9QXM-2TRD',
        expiresAt: '2026-03-01T10:10:00.000Z',
        address: '192.0.2.1',
        port: 7421,
      }),
    join: () => Promise.resolve({ operation: { ...operation, kind: 'join' } }),
    previewJoin: ({ keepDataOf = null }) =>
      Promise.resolve({ requirements: status().requirements, data: PAIR_DATA, keepDataOf }),
    takeOver: () => Promise.resolve({ operation }),
    previewLoss: () =>
      Promise.resolve({
        ageMs: 4000,
        rows: 3,
        isExact: false,
        meaning: 'Changes made on the active server for 4 s are not on this one.',
        blockers: status().blockers,
      }),
    switchOver: () => Promise.resolve({ operation: { ...operation, kind: 'switchover' } }),
    cancelSwitchover: () => Promise.resolve({ cancelled: true }),
    drill: () => Promise.resolve({ operation: { ...operation, kind: 'drill' } }),
    unsent: () => Promise.resolve({ changes: [] }),
    settleUnsent: () => Promise.resolve({ done: [], conflicts: [] }),
    setMaintenance: () => Promise.resolve({ maintenance: status().maintenance }),
    setAutomatic: () => Promise.resolve({ automaticTakeOver: status().automaticTakeOver }),
    resynchronise: () => Promise.resolve({ operation: { ...operation, kind: 'resynchronise' } }),
    check: () =>
      Promise.resolve({
        at: '2026-03-01T10:00:00.000Z',
        durationMs: 12,
        tables: 3,
        rows: 100,
        repaired: false,
        differences: [],
      }),
    wait: () => Promise.resolve({ reached: true }),
    notifyTest: () => Promise.resolve({ delivered: ['ann@example.com'] }),
    notifications: () => Promise.resolve({ deliveries: [] }),
    async saveNotifications(input) {
      const { settings } = status()
      if (settings.pair === null) throw new HotStandbyError('HS_NOT_SET_UP')
      const present = settings.pair.notifications ?? DEFAULT_NOTIFICATIONS
      const notifications = mergeNotifications(present, input)
      const { pair } = await this.saveSettings({ pair: { notifications } }).then(
        (saved) => saved.settings,
      )
      return { notifications: pair?.notifications ?? present }
    },
    previewNotification({ name, template }) {
      if (!isTemplateName(name)) throw new HotStandbyError('HS_NOT_FOUND')
      return Promise.resolve(previewTemplate(name, template))
    },
    takeMail: () => Promise.resolve({ mail: null }),
    settleMail: () => Promise.resolve({ done: true }),
    disable: () => Promise.reject(new HotStandbyError('HS_PEER_UNREACHABLE')),
    recordRefusal: () => Promise.resolve({ recorded: true }),
  }
}
