import { HotStandbyError } from '../../errors.ts'
import { describeEnd, lastWords, runCommand } from '../run-command.ts'

const TIMEOUT_MS = 2000

/** Runs `ip` of iproute2. Errors: HS_COMMAND_FAILED with what it said. */
export async function runIp(args: readonly string[]): Promise<string> {
  const result = await runCommand(['ip', ...args], { timeoutMs: TIMEOUT_MS })
  if (result.status === 0) return result.stdout
  throw new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `ip ${args.join(' ')} ${describeEnd(result, TIMEOUT_MS)} ${lastWords(result)}`.trim(),
    remedy: 'Give the agent the right CAP_NET_ADMIN, install iproute2, and check the interface.',
  })
}

/** The same as JSON; an empty answer is an empty list. */
export async function readIp(args: readonly string[]): Promise<readonly unknown[]> {
  const text = (await runIp(['-j', ...args])).trim()
  return text === '' ? [] : (JSON.parse(text) as unknown[])
}
