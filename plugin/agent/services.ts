import type { AgentConfig } from '../config/agent-config.ts'
import { HotStandbyError } from '../errors.ts'
import type { ServicePort } from './agent-ports.ts'
import { describeEnd, lastWords, runCommand } from './run-command.ts'

/** The platform's telephony services through the configured commands; one that is not configured succeeds. */
export function createServices(config: AgentConfig['services']): ServicePort {
  const { timeoutMs } = config
  return {
    start: () => runHook('start', config.start, timeoutMs),
    stop: () => runHook('stop', config.stop, timeoutMs),
    async healthy() {
      if (config.health === undefined) return true
      return (await runCommand(config.health, { timeoutMs })).status === 0
    },
  }
}

/** How many calls are active, from the configured command. Errors: HS_WRONG_STATE without one, HS_COMMAND_FAILED. */
export async function countActiveCalls(config: AgentConfig['services']): Promise<number> {
  const { calls: command, timeoutMs } = config
  if (command === undefined)
    throw new HotStandbyError('HS_WRONG_STATE', {
      reason: 'how many calls are active is not known: services.calls is not configured',
      remedy: 'Give the command services.calls in the configuration, or switch over now.',
    })
  const result = await runCommand(command, { timeoutMs })
  const printed = result.stdout.trim()
  if (result.status === 0 && /^\d{1,9}$/.test(printed)) return Number(printed)
  const end = result.status === 0 ? 'did not print a whole number' : describeEnd(result, timeoutMs)
  throw new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `services.calls (${command[0] ?? ''}) ${end}`,
    remedy: 'Run the command services.calls of the configuration by hand and mend what it says.',
  })
}

/** The reason names the program only: arguments may hold what is nobody's business. */
async function runHook(
  name: 'start' | 'stop',
  command: readonly string[] | undefined,
  timeoutMs: number,
): Promise<void> {
  if (command === undefined) return
  const result = await runCommand(command, { timeoutMs })
  if (result.status === 0) return
  const words = lastWords(result)
  throw new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `services.${name} (${command[0] ?? ''}) ${describeEnd(result, timeoutMs)}${words === '' ? '' : `: ${words}`}`,
    remedy: `Run the command services.${name} of the configuration by hand and mend what it says.`,
  })
}
