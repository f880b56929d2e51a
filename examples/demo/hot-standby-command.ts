import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { PROJECT_FOLDER } from './processes.ts'

/** Runs `hot-standby COMMAND --json` as an administrator would and answers its document; refusals become errors. */
export function runHotStandby<T = unknown>(
  configPath: string,
  ...args: readonly string[]
): Promise<T> {
  const script = join(PROJECT_FOLDER, 'plugin/cli/main.ts')
  const command = ['--import=tsx', script, '--config', configPath, '--json', ...args]
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      command,
      { cwd: PROJECT_FOLDER, timeout: 120_000 },
      (error, out, err) => {
        if (error === null) resolve(JSON.parse(out) as T)
        else reject(new CommandRefused(args, error.code ?? null, out, err))
      },
    )
  })
}

/** The command ended with another status than 0. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused'
  readonly status: number | string | null
  /** The error's code, when the command said one. */
  readonly code: string | null

  constructor(args: readonly string[], status: number | string | null, out: string, err: string) {
    const wire = parseWire(out)
    super(`hot-standby ${args.join(' ')}: ${wire?.message ?? (err.trim() || out.trim())}`)
    this.status = status
    this.code = wire?.code ?? null
  }
}

function parseWire(out: string): { readonly code: string; readonly message: string } | null {
  try {
    const value = JSON.parse(out) as { code?: string; message?: string }
    return value.code === undefined || value.message === undefined
      ? null
      : { code: value.code, message: value.message }
  } catch {
    return null
  }
}
