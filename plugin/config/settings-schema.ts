import { z } from 'zod'
import type { NetworkFacts } from '../core/facts.ts'
import {
  isInSubnet,
  isReservedInSubnet,
  isSameAddress,
  parseIpAddress,
} from '../core/ip-address.ts'
import type { PairSettings, ServerSettings } from '../core/settings.ts'
import {
  checkTiming,
  DEFAULT_DEAD_TIME_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
} from '../core/timing.ts'
import { HotStandbyError, type FieldProblem } from '../errors.ts'
import { toFieldProblems } from './field-problems.ts'
import { pairFields, serverFields, virtualIpFields } from './settings-fields.ts'

type Fields = Readonly<Record<string, unknown>>

/** What is stored; null before the first set-up, and the pair's part on a secondary that has not joined. */
export interface PresentSettings {
  readonly server: ServerSettings | null
  readonly pair: PairSettings | null
}

/** What is known of this server, for defaults and for rules between settings and network. */
export interface SettingsContext {
  readonly network: NetworkFacts | null
  readonly hostName: string
  readonly networkInterface: string
  /** The port of the own agent; the peer's is the same unless it is given. */
  readonly port: number
}

export interface ParsedSettings {
  readonly server: ServerSettings
  /** Null on a secondary before it has joined: it gets them from the primary. */
  readonly pair: PairSettings | null
}

/**
 * Completes what is given with the present settings, checks the whole, and returns it frozen. Errors:
 * HS_SETTINGS_INVALID naming every wrong field with value and remedy.
 */
export function parseSettings(
  input: { readonly server?: unknown; readonly pair?: unknown },
  present: PresentSettings,
  context: SettingsContext,
): ParsedSettings {
  const server = completeServer(input.server, present, context)
  const pair = completePair(input.pair, present, context)
  const wantsPair = isPairGiven(server, pair, present)
  const whole = wantsPair ? { server, pair } : { server }
  const schema = z.object({
    server: z.strictObject(serverFields, 'is not an object | Give the fields of this server.'),
    ...(wantsPair
      ? { pair: z.strictObject(pairFields, 'is not an object | Give the fields of the pair.') }
      : {}),
  })
  const result = schema.safeParse(whole)
  const problems = firstOfEachField([
    ...(result.success ? [] : toFieldProblems(result.error, whole)),
    ...rulesBetween(server, wantsPair ? pair : {}, context),
  ])
  if (!result.success || problems.length > 0)
    throw new HotStandbyError('HS_SETTINGS_INVALID', { fields: problems })
  const parsed = result.data as { server: ServerSettings; pair?: Omit<PairSettings, 'version'> }
  const version = present.pair?.version ?? 0
  const merged = parsed.pair === undefined ? null : { version, ...parsed.pair }
  return deepFreeze({ server: parsed.server, pair: merged })
}

const storedSchema = z.strictObject({
  server: z.strictObject(serverFields).nullable(),
  pair: z.strictObject({ version: z.int().min(0), ...pairFields }).nullable(),
})

/** What a settings file holds, or which of its fields are wrong. The rules between fields were applied when it was saved. */
export function parseStoredSettings(
  found: unknown,
):
  | { readonly settings: PresentSettings; readonly wrong: [] }
  | { readonly settings: null; readonly wrong: string[] } {
  const result = storedSchema.safeParse(found)
  if (result.success) return { settings: deepFreeze(result.data as PresentSettings), wrong: [] }
  const wrong = toFieldProblems(result.error, found).map(
    ({ field, value, message }) => `${field} = ${value} ${message}`,
  )
  return { settings: null, wrong }
}

function firstOfEachField(problems: readonly FieldProblem[]): FieldProblem[] {
  return [
    ...new Map([...problems].reverse().map((problem) => [problem.field, problem])).values(),
  ].reverse()
}

function completeServer(
  input: unknown,
  { server }: PresentSettings,
  context: SettingsContext,
): unknown {
  if (input !== undefined && !isFields(input)) return input
  return {
    hostName: context.hostName,
    networkInterface: context.networkInterface,
    peerAddress: null,
    peerPort: context.port,
    expectedPeerSerialNumber: null,
    ...server,
    ...input,
  }
}

function completePair(input: unknown, present: PresentSettings, context: SettingsContext): unknown {
  if (input !== undefined && !isFields(input)) return input
  const known: Fields = { ...withoutVersion(present.pair), ...input }
  return {
    keepAliveIntervalMs: DEFAULT_KEEP_ALIVE_INTERVAL_MS,
    deadTimeMs: DEFAULT_DEAD_TIME_MS,
    referenceAddresses: [],
    coldStartAlone: true,
    contacts: [],
    ...known,
    ...completeExclusions(input?.['exclude'], present),
    virtualIp: completeVirtualIp(input?.['virtualIp'], present, context),
  }
}

/** One of the lists can be given without the other. */
function completeExclusions(input: unknown, { pair }: PresentSettings): Fields {
  if (!isFields(input)) return {}
  return { exclude: { tables: [], columns: [], ...pair?.exclude, ...input } }
}

/** The version is counted by whoever saves; nobody may give one. */
function withoutVersion(pair: PairSettings | null): Fields {
  return Object.fromEntries(Object.entries(pair ?? {}).filter(([name]) => name !== 'version'))
}

function completeVirtualIp(
  input: unknown,
  { pair }: PresentSettings,
  { network }: SettingsContext,
): unknown {
  if (input !== undefined && !isFields(input)) return input
  const prefixLength = network === null ? {} : { prefixLength: network.prefixLength }
  return { ...prefixLength, ...pair?.virtualIp, ...input }
}

/** A secondary needs no settings of the pair before it joins; its form may send the fields empty. */
function isPairGiven(server: unknown, pair: unknown, present: PresentSettings): boolean {
  if (present.pair !== null) return true
  if (!isFields(server) || server['identity'] !== 'secondary') return true
  const virtualIp = isFields(pair) ? pair['virtualIp'] : undefined
  const address = isFields(virtualIp) ? virtualIp['address'] : undefined
  return address !== undefined && address !== ''
}

/** Rules between fields: each is applied as soon as its own fields are right, so that all problems show at once. */
function rulesBetween(server: unknown, pair: unknown, context: SettingsContext): FieldProblem[] {
  if (!isFields(pair)) return []
  const peerAddress = isFields(server)
    ? valid(serverFields.peerAddress, server['peerAddress'])
    : null
  return [
    ...timingProblems(pair),
    ...virtualIpProblems(pair, peerAddress ?? null, context.network),
    ...referenceProblems(pair, peerAddress ?? null, context.network),
    ...peerAddressProblems(peerAddress ?? null, context.network),
  ]
}

function timingProblems(pair: Fields): FieldProblem[] {
  const interval = valid(pairFields.keepAliveIntervalMs, pair['keepAliveIntervalMs'])
  const dead = valid(pairFields.deadTimeMs, pair['deadTimeMs'])
  if (interval === undefined || dead === undefined) return []
  const virtualIp = isFields(pair['virtualIp']) ? pair['virtualIp'] : {}
  const gate = valid(virtualIpFields.gate, virtualIp['gate'])
  return checkTiming(interval, dead, gate).map((problem) => ({
    field: `pair.${problem.field}`,
    value: JSON.stringify(pair[problem.field]),
    message: problem.reason,
    remedy: problem.remedy,
  }))
}

function virtualIpProblems(
  pair: Fields,
  peerAddress: string | null,
  network: NetworkFacts | null,
): FieldProblem[] {
  const virtualIp = isFields(pair['virtualIp']) ? pair['virtualIp'] : {}
  const address = valid(virtualIpFields.address, virtualIp['address'])
  if (address === undefined) return []
  const problem = virtualIpProblem(address, peerAddress, network)
  const prefix = prefixProblem(
    address,
    valid(virtualIpFields.prefixLength, virtualIp['prefixLength']),
  )
  return [
    ...(problem === null ? [] : [wrong('pair.virtualIp.address', address, ...problem)]),
    ...(prefix === null
      ? []
      : [wrong('pair.virtualIp.prefixLength', virtualIp['prefixLength'], ...prefix)]),
  ]
}

type Problem = readonly [message: string, remedy: string]

function virtualIpProblem(
  address: string,
  peerAddress: string | null,
  network: NetworkFacts | null,
): Problem | null {
  const unused = 'Choose an address of the LAN subnet that no device uses.'
  if (peerAddress !== null && isSameAddress(address, peerAddress))
    return ['is the address of the peer', unused]
  if (network === null) return null
  const { prefixLength } = network
  const subnet = `${network.address}/${prefixLength}`
  if (parseIpAddress(address)?.family !== network.family)
    return [
      `is not of the same family as ${network.address}`,
      `Choose an address in the subnet of ${subnet}.`,
    ]
  if (isSameAddress(address, network.address)) return ['is the address of this server', unused]
  if (!isInSubnet(address, network.address, prefixLength))
    return [`is not in the subnet of ${subnet}`, unused]
  if (isReservedInSubnet(address, prefixLength))
    return ['is the network or broadcast address of the subnet', unused]
  return null
}

function prefixProblem(address: string, prefixLength: number | undefined): Problem | null {
  if (prefixLength === undefined) return null
  if (parseIpAddress(address)?.family === 'ipv4' && prefixLength > 32)
    return ['is not a prefix length of IPv4', 'Give a whole number from 1 to 32.']
  return null
}

function referenceProblems(
  pair: Fields,
  peerAddress: string | null,
  network: NetworkFacts | null,
): FieldProblem[] {
  const list = Array.isArray(pair['referenceAddresses']) ? pair['referenceAddresses'] : []
  const virtualIp = isFields(pair['virtualIp']) ? pair['virtualIp']['address'] : null
  return list.flatMap((given: unknown, index) => {
    const address = valid(virtualIpFields.address, given)
    if (address === undefined) return []
    const problem = referenceProblem(address, virtualIp, peerAddress, network)
    return problem === null ? [] : [wrong(`pair.referenceAddresses.${index}`, given, ...problem)]
  })
}

/** A reference that is one of the pair itself proves nothing. */
function referenceProblem(
  address: string,
  virtualIp: unknown,
  peerAddress: string | null,
  network: NetworkFacts | null,
): Problem | null {
  const remedy = 'Give an address that does not belong to the pair, normally the gateway.'
  if (typeof virtualIp === 'string' && isSameAddress(address, virtualIp))
    return ['is the virtual IP', remedy]
  if (peerAddress !== null && isSameAddress(address, peerAddress))
    return ['is the address of the peer', remedy]
  if (network === null) return null
  if (isSameAddress(address, network.address)) return ['is the address of this server', remedy]
  if (parseIpAddress(address)?.family !== network.family)
    return [`is not of the same family as ${network.address}`, remedy]
  return null
}

function peerAddressProblems(
  peerAddress: string | null,
  network: NetworkFacts | null,
): FieldProblem[] {
  if (peerAddress === null || network === null || !isSameAddress(peerAddress, network.address))
    return []
  return [
    wrong(
      'server.peerAddress',
      peerAddress,
      'is the address of this server',
      'Give the own address of the other server.',
    ),
  ]
}

function wrong(field: string, value: unknown, message: string, remedy: string): FieldProblem {
  return { field, value: JSON.stringify(value), message, remedy }
}

function valid<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> | undefined {
  const result = schema.safeParse(value)
  return result.success ? result.data : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
