import type { AgentApi, JoinInput, WaitInput } from '../api/agent-api.ts'
import type { OperationStatus } from '../api/status-document.ts'
import { HotStandbyError } from '../errors.ts'
import { buildDoctorReport } from './doctor.ts'
import { drill } from './drill.ts'
import { listEvents } from './events-api.ts'
import { createMetrics } from './metrics.ts'
import { createConfirmations } from './confirmations.ts'
import type { NodeContext } from './node-context.ts'
import { previewLoss } from './loss-preview.ts'
import { createModesApi } from './modes-api.ts'
import { type Operation, type Step } from './operations.ts'
import { join } from './pairing.ts'
import { isTemplateName, previewTemplate } from '../config/message-template.ts'
import { RefusedWrites } from './refused-writes.ts'
import { saveNotifications } from './save-notifications.ts'
import { saveSettings } from './save-settings.ts'
import { buildStatus } from './status.ts'
import { settle, switchOver, synchroniseFirst } from './switch-over.ts'
import { createUnsentApi } from './unsent-api.ts'
import { waitFor } from './wait-for.ts'

export interface AgentApiParts {
  readonly node: NodeContext
  readonly makeAccessCode: () => Promise<{
    readonly accessCode: string
    readonly expiresAt: string
  }>
}

/** The outbox remembers a week of them; nobody reads more than this on a page. */
const SHOWN_DELIVERIES = 300

/** What pages and commands can ask of this agent; one function a call, in the order of the contract. */
export function createAgentApi({ node, makeAccessCode }: AgentApiParts): AgentApi {
  const { history, loop, operations, peer, settings } = node
  const confirmations = createConfirmations(history)
  const refusedWrites = new RefusedWrites(({ path, user, more }) => {
    const reason = more === 0 ? path : `${path}, ${more} more within a minute`
    history.record({ kind: 'writeRefused', reason, actor: user })
  })
  const metrics = createMetrics(node, () => buildStatus(node))
  return {
    status: () => Promise.resolve(buildStatus(node)),
    events: async (query) => ({ events: await listEvents(node, query) }),
    metrics,
    doctor: () => buildDoctorReport(node),
    saveSettings: async (input, context) => saveSettings(node, input, context?.actor ?? null),
    async makeAccessCode(context) {
      const { server, pair } = settings.current()
      if (server === null || pair === null) throw new HotStandbyError('HS_NOT_SET_UP')
      if (server.identity !== 'primary') {
        throw new HotStandbyError('HS_WRONG_STATE', {
          reason: 'this server is the secondary',
          remedy: 'Make the access code on the primary.',
        })
      }
      const { facts, port } = await node.hello()
      const made = await makeAccessCode()
      history.record({
        kind: 'accessCodeMade',
        reason: `valid until ${made.expiresAt}`,
        actor: context?.actor ?? null,
      })
      return { ...made, address: facts.network.address, port }
    },
    join(input) {
      refuseUnlessSecondary(node)
      const operation = operations.start('join', ({ step }) => joinAndCopy(node, input, step))
      return answer(node, operation, false)
    },
    async previewJoin(input) {
      refuseUnlessSecondary(node)
      return join(node, input, true, () => undefined)
    },
    takeOver({ force = false, wait = false }, context) {
      refuseUnlessPaired(node)
      const operation = operations.start('takeOver', async (handle) => {
        const { step } = handle
        step(`${force ? 'forced' : 'asked for'} by ${context?.actor ?? 'cli'}`)
        if (!force) await synchroniseFirst(node, handle)
        settle(await loop.requestTakeOver({ force }), step)
      })
      return answer(node, operation, wait)
    },
    previewLoss() {
      refuseUnlessPaired(node)
      return Promise.resolve(previewLoss(node))
    },
    switchOver({ whenIdle = false, withinMs, wait = false }, context) {
      refuseUnlessPaired(node)
      const actor = context?.actor ?? null
      const operation = operations.start('switchover', (handle) =>
        switchOver(node, { whenIdle, withinMs, actor }, handle),
      )
      return answer(node, operation, wait)
    },
    cancelSwitchover(context) {
      operations.cancel(`by ${context?.actor ?? 'cli'}`)
      return Promise.resolve({ cancelled: true })
    },
    drill({ wait = false }, context) {
      refuseUnlessPaired(node)
      const by = context?.actor ?? null
      const operation = operations.start('drill', ({ step }) => drill(node, by, step))
      return answer(node, operation, wait)
    },
    ...createModesApi(node),
    ...createUnsentApi(node),
    resynchronise({ wait = false }) {
      refuseUnlessPaired(node)
      const operation = operations.start('resynchronise', async () => {
        if (isActive(node)) await node.client.resynchronise()
        else await node.engine.resynchronise()
      })
      return answer(node, operation, wait)
    },
    async check({ repair = false }) {
      refuseUnlessPaired(node)
      return isActive(node) ? node.client.check({ repair }) : node.engine.check({ repair })
    },
    async wait(input: WaitInput) {
      const wait = (): Promise<void> => waitFor(node, input)
      await (input.isSave === true ? confirmations.watch(wait) : wait())
      return { reached: true }
    },
    notifyTest: async (input) => ({ delivered: await node.notifier.sendTest(input) }),
    notifications: () =>
      Promise.resolve({ deliveries: node.notifier.deliveries().slice(0, SHOWN_DELIVERIES) }),
    saveNotifications: (input, context) => saveNotifications(node, input, context?.actor ?? null),
    previewNotification({ name, template }) {
      if (!isTemplateName(name)) throw new HotStandbyError('HS_NOT_FOUND')
      return Promise.resolve(previewTemplate(name, template))
    },
    takeMail() {
      const message = node.notifier.takeMail()
      if (message === null) return Promise.resolve({ mail: null })
      const { id, to, subject, text, html, kind, level, at } = message
      return Promise.resolve({ mail: { id, to, subject, text, html, kind, level, at } })
    },
    settleMail({ id, error }) {
      node.notifier.settleMail(id, error)
      return Promise.resolve({ done: true })
    },
    async disable({ force = false }, context) {
      await dissolve(node, force, context?.actor ?? null)
      return { done: true }
    },
    changesTurn: (input) => node.changes.next(input),
    recordRefusal({ path, user }) {
      refusedWrites.refused(path, user)
      return Promise.resolve({ recorded: true })
    },
  }

  function refuseUnlessSecondary({ settings: store }: NodeContext): void {
    const { server } = store.current()
    if (server === null) throw new HotStandbyError('HS_NOT_SET_UP')
    if (server.identity !== 'secondary') {
      throw new HotStandbyError('HS_WRONG_STATE', {
        reason: 'this server is the primary',
        remedy: 'Join from the secondary.',
      })
    }
    if (peer.record() !== null) throw new HotStandbyError('HS_ALREADY_PAIRED')
  }
}

/** The operation shows the way to a complete standby: pairing, then the initial copy. */
async function joinAndCopy(node: NodeContext, input: JoinInput, step: Step): Promise<void> {
  await join(node, input, false, step)
  step('paired; the initial copy begins')
}

async function answer(
  node: NodeContext,
  operation: Operation,
  wait: boolean,
): Promise<{ readonly operation: OperationStatus }> {
  if (wait) await operation.finished
  const status = node.operations.current()
  if (status === null) throw new HotStandbyError('HS_INTERNAL', { reason: 'the operation is gone' })
  return { operation: status }
}

async function dissolve(node: NodeContext, force: boolean, actor: string | null): Promise<void> {
  const record = node.peer.record()
  if (record === null) throw new HotStandbyError('HS_NOT_PAIRED')
  try {
    await node.client.unpair()
  } catch (cause) {
    if (!force) {
      throw new HotStandbyError(
        'HS_PEER_UNREACHABLE',
        { remedy: 'Repair the peer, or dissolve this side alone: `hot-standby disable --force`.' },
        { cause },
      )
    }
  }
  await node.peer.forget()
  node.history.record({ kind: 'unpaired', reason: 'the administrator dissolved the pair', actor })
}

function refuseUnlessPaired(node: NodeContext): void {
  if (node.peer.record() === null) throw new HotStandbyError('HS_NOT_PAIRED')
}

function isActive(node: NodeContext): boolean {
  return node.loop.view().state.name === 'active'
}
