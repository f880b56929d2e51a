import { CommanderError } from 'commander'
import { toHotStandbyError } from '../errors.ts'
import { type GlobalOptions, type MakeAction, createContext } from './command-context.ts'
import { errorLines } from './error-lines.ts'
import type { CliIo } from './io.ts'
import { createProgram } from './program.ts'

/** 0 done, 1 refused or failed, 2 wrong usage. */
export type ExitStatus = 0 | 1 | 2

/** Runs one command line and answers its exit status; never throws for what an administrator can cause. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitStatus> {
  let status: ExitStatus = 0
  const action: MakeAction =
    (run) =>
    async (...received) => {
      const command = received.at(-1) as { optsWithGlobals(): GlobalOptions }
      const options = command.optsWithGlobals()
      status = await runCommand(io, options, () => {
        const context = createContext(io, options)
        return run(context, options as Parameters<typeof run>[1])
      })
    }
  const program = createProgram(io, action)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    return thrown.exitCode === 0 ? 0 : 2
  }
  return status
}

async function runCommand(
  io: CliIo,
  options: GlobalOptions,
  run: () => ReturnType<Parameters<MakeAction>[0]>,
): Promise<ExitStatus> {
  try {
    const outcome = await run()
    if (options.json === true) io.out(JSON.stringify(outcome.document, null, 2))
    else outcome.lines.forEach((line) => io.out(line))
    return outcome.failed === true ? 1 : 0
  } catch (thrown) {
    const error = toHotStandbyError(thrown)
    if (options.json === true) io.out(JSON.stringify(error, null, 2))
    else errorLines(error).forEach((line) => io.err(line))
    // An error of our own has a cause that helps to mend it; expected errors have said everything.
    if (error.code === 'HS_INTERNAL' && error.cause !== undefined) io.err(causeText(error.cause))
    return 1
  }
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
