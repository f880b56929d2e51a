import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAST_OUTPUT_CHARACTERS = 8000

export const PROJECT_FOLDER = fileURLToPath(new URL('../../', import.meta.url))

/** One started program; its standard input is a pipe, whose end tells it that we are gone. */
export interface RunningProgram {
  readonly child: ChildProcess
  /** The last that it wrote, for the message when a step fails. */
  output(): string
  alive(): boolean
  signal(signal: NodeJS.Signals): void
  /** Asks it to stop and waits until it has; kills it when it does not in time. */
  stop(): Promise<void>
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts programs and makes sure that none outlives the demo. */
export interface Processes {
  /** Everything temporary goes here and away with it. */
  readonly folder: string
  /** Runs a TypeScript file of this project. */
  start(script: string, args: readonly string[]): RunningProgram
  /** A process that somebody else started and that must not outlive us either. */
  adopt(child: ChildProcess | null): void
  /** Ends the guardian, which kills what is left and removes the folder. */
  close(): Promise<void>
}

const STOP_LIMIT_MS = 5000

export async function createProcesses(): Promise<Processes> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-standby-demo-'))
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o755)
  const temporaryBefore = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  const guardian = spawn(process.execPath, [join(PROJECT_FOLDER, 'examples/demo/guardian.mjs')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const tell = (line: string): void => {
    guardian.stdin.write(`${line}\n`)
  }
  tell(`folder ${folder}`)

  const adopt = (child: ChildProcess | null): void => {
    const pid = child?.pid
    if (child === null || pid === undefined) return
    tell(`+${pid}`)
    child.once('exit', () => {
      if (guardian.stdin.writable) tell(`-${pid}`)
    })
  }

  return {
    folder,
    adopt,
    start(script, args) {
      const program = startProgram(script, args)
      adopt(program.child)
      return program
    },
    async close() {
      // Whoever goes on after us must not make a folder anew that is gone.
      if (temporaryBefore === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = temporaryBefore
      const ended = new Promise((resolve) => guardian.once('exit', resolve))
      guardian.stdin.end()
      await ended
    },
  }
}

function startProgram(script: string, args: readonly string[]): RunningProgram {
  const child = spawn(
    process.execPath,
    ['--import=tsx', join(PROJECT_FOLDER, script), ...args],
    // A process group of its own: Ctrl-C in the terminal is for the demo, which then stops all in order.
    { cwd: PROJECT_FOLDER, stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  )
  let output = ''
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-LAST_OUTPUT_CHARACTERS)
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  child.stdin.on('error', () => undefined) // It ended before us, which is its good right.
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const alive = (): boolean => child.exitCode === null && child.signalCode === null
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    child,
    output: () => output,
    alive,
    signal: (signal) => child.kill(signal),
    async stop() {
      if (!alive()) return
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await ended
      clearTimeout(late)
    },
    kill,
  }
}
