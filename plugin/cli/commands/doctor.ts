import type { DoctorCheck, DoctorReport } from '../../api/agent-api.ts'
import { HotStandbyError, toHotStandbyError } from '../../errors.ts'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { checkDatabase } from '../doctor/check-database.ts'
import { checkMachine } from '../doctor/check-machine.ts'
import { checkSecrets } from '../doctor/check-secrets.ts'
import { checkStateDirectory } from '../doctor/check-state-directory.ts'
import { failed, ok } from '../doctor/doctor-check.ts'

export const addDoctor: AddCommand = (program, action) => {
  program
    .command('doctor')
    .description('check this server, one line each with the remedy; works without the agent too')
    .action(
      action(async (context) => {
        const checks = await runChecks(context)
        const report: DoctorReport = {
          ok: checks.every((check) => check.result !== 'failed'),
          checks,
        }
        return { document: report, lines: checks.flatMap(checkLines), failed: !report.ok }
      }),
    )
}

async function runChecks(context: CommandContext): Promise<DoctorCheck[]> {
  let config
  try {
    config = context.config()
  } catch (thrown) {
    return [failed('configuration', 'Configuration file', toHotStandbyError(thrown))]
  }
  const local = [
    ok('configuration', 'Configuration file', context.configPath),
    await checkStateDirectory(config),
    await checkSecrets(config),
    ...(await checkMachine(config)),
    ...(await checkDatabase(config)),
  ]
  return [...local, ...(await askAgent(context))]
}

/** What only the running agent knows. */
async function askAgent(context: CommandContext): Promise<DoctorCheck[]> {
  const title = 'Agent'
  try {
    const report = await context.agent().doctor()
    return [ok('agent', title, 'runs and answers'), ...report.checks]
  } catch (thrown) {
    const error = toHotStandbyError(thrown)
    if (error.code === 'HS_INTERNAL')
      throw new HotStandbyError('HS_INTERNAL', {}, { cause: thrown })
    return [failed('agent', title, error)]
  }
}

const WORDS = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const

function checkLines(check: DoctorCheck): string[] {
  const line = `${WORDS[check.result].padEnd(8)} ${check.title}: ${check.detail}`
  return check.remedy === null || check.result === 'ok'
    ? [line]
    : [line, `         ${check.remedy}`]
}
