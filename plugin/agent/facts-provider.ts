import { hostname } from 'node:os'
import { HotStandbyError } from '../errors.ts'
import {
  platformFactsSchema,
  type AgentConfig,
  type PlatformFacts,
} from '../config/agent-config.ts'
import { toFieldProblems } from '../config/field-problems.ts'
import type { FactsProvider } from '../ports.ts'
import { readNetworkFacts } from './kernel-facts.ts'
import { describeEnd, lastWords, runCommand } from './run-command.ts'
import { gateProblem } from './virtual-ip/gate.ts'

export interface FactsProviderOptions {
  /** Addresses that come and go and are not this server's own: the virtual IP. */
  readonly exceptAddresses?: () => readonly string[]
}

const FACTS_TIMEOUT_MS = 10_000
const GATE_LOOK_INTERVAL_MS = 60_000

/**
 * What the platform and the kernel say of this server; asked anew each time, since a licence or firmware changes
 * while the agent runs. Errors: HS_CONFIG_INVALID naming every wrong field, HS_COMMAND_FAILED.
 */
export function createFactsProvider(
  config: Pick<AgentConfig, 'platform' | 'network' | 'witness'>,
  { exceptAddresses = () => [] }: FactsProviderOptions = {},
): FactsProvider {
  const gate = createGateLook(config.network.driver)
  return async () => {
    const facts = config.platform.facts ?? (await askPlatform(config.platform.factsCommand ?? []))
    return {
      productName: facts.productName,
      hostName: facts.hostName ?? hostname(),
      serialNumber: facts.serialNumber,
      plan: facts.plan,
      firmwareVersion: facts.firmwareVersion,
      minimumFirmwareVersion: facts.minimumFirmwareVersion,
      capacity: facts.capacity,
      network:
        facts.network ?? (await readNetworkFacts(config.network.interface, exceptAddresses())),
      gateProblem: await gate(),
      witness:
        config.witness === undefined ? null : `${config.witness.key} at ${config.witness.url}`,
    }
  }
}

/** Asked once a minute while it is usable: it takes a process. */
function createGateLook(driver: AgentConfig['network']['driver']): () => Promise<string | null> {
  let problem: string | null = null
  let lookedAt = -Infinity
  return async () => {
    if (driver !== 'kernel') return `the driver ${driver} has no gate`
    const now = performance.now()
    if (problem === null && now - lookedAt < GATE_LOOK_INTERVAL_MS) return null
    problem = await gateProblem()
    lookedAt = now
    return problem
  }
}

async function askPlatform(command: readonly string[]): Promise<PlatformFacts> {
  const result = await runCommand(command, { timeoutMs: FACTS_TIMEOUT_MS })
  if (result.status !== 0)
    throw badCommand(`${describeEnd(result, FACTS_TIMEOUT_MS)} ${lastWords(result)}`)
  const printed = parseJson(result.stdout)
  const parsed = platformFactsSchema.safeParse(printed)
  if (parsed.success) return parsed.data
  throw new HotStandbyError('HS_CONFIG_INVALID', {
    fields: toFieldProblems(parsed.error, printed).map((problem) => ({
      ...problem,
      field: `platform.factsCommand: ${problem.field}`,
    })),
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw badCommand('does not print JSON')
  }
}

function badCommand(what: string): HotStandbyError {
  const remedy = 'Let platform.factsCommand print the facts as JSON and end with status 0.'
  return new HotStandbyError('HS_CONFIG_INVALID', {
    fields: [
      { field: 'platform.factsCommand', value: '(its output)', message: what.trim(), remedy },
    ],
    remedy,
  })
}
