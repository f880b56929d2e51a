import { isDeepStrictEqual } from 'node:util'
import type { SettingsInput } from '../api/agent-api.ts'
import type { StatusDocument } from '../api/status-document.ts'
import { parseSettings } from '../config/settings-schema.ts'
import type { ServerFacts } from '../core/facts.ts'
import type { PairSettings } from '../core/settings.ts'
import { HotStandbyError } from '../errors.ts'
import type { NodeContext } from './node-context.ts'

/**
 * Set-up and every later change: what is not given keeps its value, the whole is checked, and nothing is saved unless
 * all of it is right. Errors: HS_SETTINGS_INVALID naming every wrong field, HS_WRONG_STATE.
 */
export async function saveSettings(
  node: NodeContext,
  input: SettingsInput,
  actor: string | null,
): Promise<{ readonly settings: StatusDocument['settings'] }> {
  const present = node.settings.current()
  refuseIdentityChange(node, input)
  refusePairChangeOnStandby(node, input)
  const facts = await node.facts.read()
  const parsed = parseSettings(input, present, {
    network: facts.network,
    hostName: facts.hostName,
    networkInterface: node.config.network.interface,
    port: node.config.listen.port,
  })
  await refuseUnknownNames(node, parsed.pair)
  refuseGateWithoutNftables(node, facts, parsed.pair)
  const pair = parsed.pair === null ? null : withVersion(parsed.pair, present.pair)
  await node.settings.save({ server: parsed.server, pair })
  node.history.record({ kind: 'settingsChanged', reason: changedFields(input), actor })
  return { settings: { server: parsed.server, pair } }
}

/** Only a real change is a new version: versions decide which server's settings win. */
function withVersion(next: PairSettings, present: PairSettings | null): PairSettings {
  const same = present !== null && isDeepStrictEqual({ ...next, version: present.version }, present)
  return { ...next, version: same ? present.version : (present?.version ?? 0) + 1 }
}

/** A mistyped name would leave nothing out, without a word; what was named before is not looked at again. */
async function refuseUnknownNames(node: NodeContext, next: PairSettings | null): Promise<void> {
  const present = node.settings.current().pair?.exclude
  if (next?.exclude === undefined || isDeepStrictEqual(next.exclude, present)) return
  const unknown = new Set(await node.engine.unknownExclusions(next.exclude))
  const fields = (['tables', 'columns'] as const).flatMap((which) =>
    (next.exclude?.[which] ?? []).flatMap((name, index) => {
      // Of a column whose table is unknown, the table is what is named.
      const table = name.slice(0, name.lastIndexOf('.'))
      if (!unknown.has(name) && !(which === 'columns' && unknown.has(table))) return []
      const remedy = 'Write the name as the database of this server has it, or remove it.'
      const message = 'is not in the replicated schemas of this server'
      const value = JSON.stringify(name)
      return [{ field: `pair.exclude.${which}.${index}`, value, message, remedy }]
    }),
  )
  if (fields.length > 0) throw new HotStandbyError('HS_SETTINGS_INVALID', { fields })
}

/** A gate that one of the servers cannot have would shorten a dead time that its address does not keep. */
function refuseGateWithoutNftables(
  node: NodeContext,
  own: ServerFacts,
  next: PairSettings | null,
): void {
  const present = node.settings.current().pair?.virtualIp.gate
  if (next?.virtualIp.gate !== true || present === true) return
  const peer = node.exchange.knowledge().facts
  const problems = [
    ['this server', own.gateProblem],
    ['the other server', peer?.gateProblem],
  ].filter(([, problem]) => typeof problem === 'string')
  const fields = problems.map(([where, problem]) => ({
    field: 'pair.virtualIp.gate',
    value: 'true',
    message: `cannot be had on ${where}: ${problem}`,
    remedy: 'Install nftables there and give the agent the right CAP_NET_ADMIN, or leave it off.',
  }))
  if (fields.length > 0) throw new HotStandbyError('HS_SETTINGS_INVALID', { fields })
}

function refuseIdentityChange(node: NodeContext, input: SettingsInput): void {
  const present = node.settings.current().server
  const wanted = input.server?.['identity']
  if (node.peer.record() === null || present === null || wanted === undefined) return
  if (wanted === present.identity) return
  throw new HotStandbyError('HS_WRONG_STATE', {
    reason: `this server is the ${present.identity} of a pair`,
    remedy: 'Dissolve the pair first: `hot-standby disable`.',
  })
}

/** The settings of the pair are kept by the active; a change on the standby would be overwritten without a word. */
function refusePairChangeOnStandby(node: NodeContext, input: SettingsInput): void {
  const wanted = Object.keys(input.pair ?? {})
  if (wanted.length === 0 || node.peer.record() === null) return
  if (node.loop.view().state.name === 'active') return
  throw new HotStandbyError('HS_WRONG_STATE', {
    reason: `${wanted.join(', ')} belong to the pair, and this server is not the active one`,
    remedy: 'Change them on the active server.',
  })
}

function changedFields(input: SettingsInput): string {
  const names = [
    ...Object.keys(input.server ?? {}).map((name) => `server.${name}`),
    ...Object.keys(input.pair ?? {}).map((name) => `pair.${name}`),
  ]
  return names.length === 0 ? 'nothing' : names.join(', ')
}
