import type { AccessCodeAnswer } from '../../api/agent-api.ts'
import type { AddCommand } from '../command-context.ts'
import { formatTime } from '../units.ts'

export const addAccessCode: AddCommand = (program, action) => {
  program
    .command('access-code')
    .description('make a new one-time access code on the primary; the one before is void')
    .action(
      action(async (context) => {
        const answer = await context.agent().makeAccessCode()
        return { document: answer, lines: accessCodeLines(answer) }
      }),
    )
}

/** The code and what to type on the secondary; the code is shown this once. */
export function accessCodeLines(answer: AccessCodeAnswer): string[] {
  const host = answer.address.includes(':') ? `[${answer.address}]` : answer.address
  return [
    `Access code  ${answer.accessCode}`,
    `Valid until  ${formatTime(answer.expiresAt)}, once`,
    'On the secondary:',
    `  hot-standby join --peer ${host}:${answer.port} --access-code ${answer.accessCode}`,
  ]
}
