import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Socket } from 'node:net'
import type { HotStandbyError } from '../../errors.ts'

/** Runs commands of one program, one after the other, and gives what each printed. */
export interface BatchRunner {
  /** Errors: HS_COMMAND_FAILED with what the program said. */
  run(command: string): Promise<string>
  /** Ends the process that stands ready; safe to call twice. */
  close(): void
}

/** A program that reads commands from its input, one a line, and goes on after a wrong one. */
export interface BatchProgram {
  readonly start: readonly [program: string, ...args: string[]]
  /** A command that prints one known line, whether the one before it failed or not. */
  readonly endMark: string
  readonly endMarkLine: RegExp
  /** In what it says on its error output, a command failed. */
  readonly failed: RegExp
  readonly failure: (command: string, said: string) => HotStandbyError
  /** The command by a process of its own. */
  readonly runAlone: (command: string) => Promise<string>
}

/** A renewal must not wait long for a child that hangs: a fresh process is tried within the same time limit. */
const ANSWER_TIMEOUT_MS = 700

interface Child {
  readonly process: ChildProcessWithoutNullStreams
  stdout: string
  stderr: string
  onOutput: () => void
  onEnd: () => void
}

/**
 * One long-lived process: a renewal costs a write to a pipe instead of a new process, and works when the machine is
 * too busy to start one. It is started anew when it dies; when it does not answer, each command gets a process of its
 * own. It ends with us, because its input does.
 */
export function createBatchRunner(program: BatchProgram): BatchRunner {
  let child: Child | null = null
  let last: Promise<unknown> = Promise.resolve()

  function ready(): Child {
    child ??= start(program.start, () => {
      child = null
    })
    return child
  }

  async function runOne(command: string): Promise<string> {
    const answer = await ask(ready(), command, program).catch(() => null)
    if (answer === null) {
      stop()
      return program.runAlone(command)
    }
    if (program.failed.test(answer.stderr)) throw program.failure(command, answer.stderr)
    return answer.stdout
  }

  function stop(): void {
    const stopping = child
    child = null
    stopping?.process.kill('SIGKILL')
  }

  return {
    run(command) {
      const result = last.then(() => runOne(command))
      last = result.catch(() => undefined)
      return result
    },
    close: stop,
  }
}

/** In a process group of its own, so that Ctrl-C at the agent does not take it away before the address is released. */
function start([program, ...args]: BatchProgram['start'], ended: () => void): Child {
  const started = spawn(program, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  const child: Child = {
    process: started,
    stdout: '',
    stderr: '',
    onOutput: () => undefined,
    onEnd: () => undefined,
  }
  const end = () => {
    ended()
    child.onEnd()
  }
  started.stdout.setEncoding('utf8').on('data', (piece: string) => {
    child.stdout += piece
    child.onOutput()
  })
  started.stderr.setEncoding('utf8').on('data', (piece: string) => {
    child.stderr += piece
    child.onOutput()
  })
  started.stdin.on('error', end)
  started.once('error', end)
  started.once('exit', end)
  started.unref() // a driver that nobody closed must not keep the process alive
  for (const pipe of [started.stdin, started.stdout, started.stderr]) (pipe as Socket).unref()
  return child
}

/** Rejects when the child ends or stays silent. */
function ask(
  child: Child,
  command: string,
  { endMark, endMarkLine }: BatchProgram,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  child.stdout = ''
  child.stderr = ''
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), ANSWER_TIMEOUT_MS)
    child.onEnd = () => {
      clearTimeout(timer)
      reject(new Error('it ended'))
    }
    child.onOutput = () => {
      if (!endMarkLine.test(child.stdout)) return
      clearTimeout(timer)
      child.onOutput = () => undefined
      // What was said on stderr before the mark may still be in the other pipe.
      setImmediate(() =>
        resolve({ stdout: child.stdout.replace(endMarkLine, ''), stderr: child.stderr }),
      )
    }
    child.process.stdin.write(`${command}\n${endMark}\n`)
  })
}
