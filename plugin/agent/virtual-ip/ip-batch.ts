import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Socket } from 'node:net'
import { HotStandbyError } from '../../errors.ts'
import { runIp } from './ip-command.ts'

/** Runs commands of `ip`, one after the other, and gives what each printed, one line for each thing. */
export interface IpRunner {
  /** Errors: HS_COMMAND_FAILED with what `ip` said. */
  run(command: string): Promise<string>
  /** Ends the process that stands ready; safe to call twice. */
  close(): void
}

/** Printed after each command, whether it failed or not: every network namespace has a loopback interface. */
const END_MARK = 'link show dev lo'
const END_MARK_LINE = /^\d+: lo: <.*\n/m
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
 * One long-lived `ip -force -batch -`: a renewal costs a write to a pipe instead of a new process, and works when
 * the machine is too busy to start one. It is started anew when it dies; when it does not answer, each command gets
 * a process of its own. It ends with us, because its input does.
 */
export function createIpRunner(): IpRunner {
  let child: Child | null = null
  let last: Promise<unknown> = Promise.resolve()

  function ready(): Child {
    child ??= start(() => {
      child = null
    })
    return child
  }

  async function runOne(command: string): Promise<string> {
    const answer = await ask(ready(), command).catch(() => null)
    if (answer === null) {
      stop()
      return runIp(['-o', ...command.split(' ')])
    }
    if (answer.stderr.includes('Command failed')) throw failed(command, answer.stderr)
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
function start(ended: () => void): Child {
  const ip = spawn('ip', ['-o', '-force', '-batch', '-'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  const child: Child = {
    process: ip,
    stdout: '',
    stderr: '',
    onOutput: () => undefined,
    onEnd: () => undefined,
  }
  const end = () => {
    ended()
    child.onEnd()
  }
  ip.stdout.setEncoding('utf8').on('data', (piece: string) => {
    child.stdout += piece
    child.onOutput()
  })
  ip.stderr.setEncoding('utf8').on('data', (piece: string) => {
    child.stderr += piece
    child.onOutput()
  })
  ip.stdin.on('error', end)
  ip.once('error', end)
  ip.once('exit', end)
  ip.unref() // a driver that nobody closed must not keep the process alive
  for (const pipe of [ip.stdin, ip.stdout, ip.stderr]) (pipe as Socket).unref()
  return child
}

/** Rejects when the child ends or stays silent. */
function ask(
  child: Child,
  command: string,
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
      if (!END_MARK_LINE.test(child.stdout)) return
      clearTimeout(timer)
      child.onOutput = () => undefined
      // What was said on stderr before the mark may still be in the other pipe.
      setImmediate(() =>
        resolve({ stdout: child.stdout.replace(END_MARK_LINE, ''), stderr: child.stderr }),
      )
    }
    child.process.stdin.write(`${command}\n${END_MARK}\n`)
  })
}

function failed(command: string, said: string): HotStandbyError {
  const [line = ''] = said.trim().split('\n')
  return new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `ip ${command}: ${line}`,
    remedy: 'Give the agent the right CAP_NET_ADMIN, install iproute2, and check the interface.',
  })
}
