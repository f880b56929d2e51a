import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Null when it did not end by itself, or did not start. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly failure: 'timeout' | 'notFound' | 'notStarted' | 'killed' | null
}

export interface CommandOptions {
  readonly timeoutMs: number
  /** SIGINT lets a program print what it has found so far. */
  readonly stopSignal?: NodeJS.Signals
  readonly input?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

const LARGEST_OUTPUT_CHARACTERS = 1_048_576
/** A program that handed its output to a daemon never closes it; we do not wait for that. */
const OUTPUT_GRACE_MS = 200
const KILL_AFTER_MS = 500

/**
 * Runs a program without a shell, in a process group of its own, so that Ctrl-C at the agent does not end it half
 * way and a time limit ends its children too. Never throws: what went wrong is in the result.
 */
export function runCommand(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const [program = '', ...programArguments] = command
  return new Promise((resolve) => {
    const child = spawn(program, programArguments, {
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // What a child says to systemd would count as said by the agent.
      env: { ...process.env, LC_ALL: 'C', NOTIFY_SOCKET: undefined, ...options.env },
    })
    const output = { stdout: '', stderr: '' }
    const stops: NodeJS.Timeout[] = []
    let failure: CommandResult['failure'] = null
    const settle = (status: number | null) => {
      stops.forEach(clearTimeout)
      child.stdout?.destroy()
      child.stderr?.destroy()
      resolve({ status: failure === null ? status : null, ...output, failure })
    }
    const stop = (signal: NodeJS.Signals) => {
      failure = 'timeout'
      signalGroup(child.pid, signal)
    }
    const collect = (name: 'stdout' | 'stderr') => (piece: string) => {
      output[name] = (output[name] + piece).slice(-LARGEST_OUTPUT_CHARACTERS)
    }
    child.stdout?.setEncoding('utf8').on('data', collect('stdout'))
    child.stderr?.setEncoding('utf8').on('data', collect('stderr'))
    child.stdin?.on('error', () => undefined) // it may end without reading
    child.stdin?.end(options.input)
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure = error.code === 'ENOENT' ? 'notFound' : 'notStarted'
      settle(null)
    })
    child.once('exit', (_status, signal) => {
      if (signal !== null) failure ??= 'killed'
      stops.push(setTimeout(() => settle(child.exitCode), OUTPUT_GRACE_MS))
    })
    child.once('close', (status) => settle(status))
    stops.push(setTimeout(stop, options.timeoutMs, options.stopSignal ?? 'SIGTERM'))
    stops.push(setTimeout(stop, options.timeoutMs + KILL_AFTER_MS, 'SIGKILL'))
  })
}

/** The end of what it printed, in one line, for a reason. */
export function lastWords(result: CommandResult): string {
  const text = `${result.stdout}\n${result.stderr}`.trim()
  const line = text.split('\n').at(-1)?.trim() ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

/** How it ended, in words. */
export function describeEnd(result: CommandResult, timeoutMs: number): string {
  switch (result.failure) {
    case 'timeout':
      return `took longer than ${timeoutMs} ms`
    case 'notFound':
      return 'was not found'
    case 'notStarted':
      return 'could not be started'
    case 'killed':
      return 'was killed'
    case null:
      return `ended with status ${String(result.status)}`
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It ended in the meantime.
  }
}
