import { Command } from 'commander'
import { PACKAGE_VERSION } from '../package-version.ts'
import { CONFIG_PATHS, type AddCommand, type MakeAction } from './command-context.ts'
import { addAccessCode } from './commands/access-code.ts'
import { addAgent } from './commands/agent.ts'
import { addAutomatic } from './commands/automatic.ts'
import { addCheck } from './commands/check.ts'
import { addDisable } from './commands/disable.ts'
import { addDoctor } from './commands/doctor.ts'
import { addDrill } from './commands/drill.ts'
import { addEvents } from './commands/events.ts'
import { addJoin } from './commands/join.ts'
import { addLease } from './commands/lease.ts'
import { addMaintenance } from './commands/maintenance.ts'
import { addMigrate } from './commands/migrate.ts'
import { addNotifyTest } from './commands/notify-test.ts'
import { addResynchronise } from './commands/resynchronise.ts'
import { addSetup } from './commands/setup.ts'
import { addStatus } from './commands/status.ts'
import { addSwitchover } from './commands/switchover.ts'
import { addTakeOver } from './commands/take-over.ts'
import { addUnsent } from './commands/unsent.ts'
import { addWait } from './commands/wait.ts'
import type { CliIo } from './io.ts'

const COMMANDS: readonly AddCommand[] = [
  addMigrate,
  addAgent,
  addDoctor,
  addSetup,
  addAccessCode,
  addJoin,
  addStatus,
  addWait,
  addSwitchover,
  addTakeOver,
  addDrill,
  addUnsent,
  addLease,
  addMaintenance,
  addAutomatic,
  addResynchronise,
  addCheck,
  addEvents,
  addNotifyTest,
  addDisable,
]

/** The command line; wrong usage throws a CommanderError instead of ending the process. */
export function createProgram(io: CliIo, action: MakeAction): Command {
  const program = new Command('hot-standby')
    .description('Turns two PBX servers into a hot standby pair.')
    .version(PACKAGE_VERSION)
    .option('--config <file>', `configuration file (default: ${CONFIG_PATHS.join(', then ')})`)
    .option('--json', 'answer as JSON, also errors')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .exitOverride()
    .showHelpAfterError('See `hot-standby --help`.')
    .addHelpText(
      'after',
      '\nExit status: 0 done, 1 refused or failed (with the reason), 2 wrong usage.',
    )
  // Subcommands copy the settings above when they are added.
  for (const addCommand of COMMANDS) addCommand(program, action)
  return program
}
