import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HotStandbyError } from '../../errors.ts'
import type { HolderAnswer, HolderRequest } from './holder-protocol.ts'

export interface HolderProcess {
  /** Errors: HS_COMMAND_FAILED; a failure of the holder is in the answer. */
  ask(request: WithoutId<HolderRequest>): Promise<HolderAnswer>
  alive(): boolean
  /** Ends the process and waits for it. */
  end(): Promise<void>
}

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never

/** Generous: in development the holder is compiled at its start. */
const ANSWER_TIMEOUT_MS = 15_000
const END_TIMEOUT_MS = 2000

/** Starts `listener-holder` with the same loader as this process: from `.ts` in development, from `.js` in the package. */
export function startHolderProcess(): HolderProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`./listener-holder.${extension}`, import.meta.url))
  const child = fork(file, [], {
    execArgv: extension === 'ts' ? loaderArguments(process.execArgv) : [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return attend(child)
}

function attend(child: ChildProcess): HolderProcess {
  const waiting = new Map<number, (answer: HolderAnswer | Error) => void>()
  let lastId = 0
  let alive = true
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const fail = (reason: string) => {
    alive = false
    for (const settle of waiting.values()) settle(failed(reason))
  }
  child.on('message', (message) => {
    const answer = message as HolderAnswer
    waiting.get(answer.id)?.(answer)
  })
  child.on('error', (error) => fail(`the holder could not be started: ${error.message}`))
  child.on('exit', () => fail('the holder of the virtual IP ended'))
  child.unref()
  child.channel?.unref()

  return {
    alive: () => alive,
    ask(request) {
      lastId += 1
      const id = lastId
      return new Promise((resolve, reject) => {
        if (!alive) {
          reject(failed('the holder of the virtual IP ended'))
          return
        }
        const timer = setTimeout(
          () => waiting.get(id)?.(failed('the holder of the virtual IP does not answer')),
          ANSWER_TIMEOUT_MS,
        )
        waiting.set(id, (answer) => {
          clearTimeout(timer)
          waiting.delete(id)
          if (answer instanceof Error) reject(answer)
          else resolve(answer)
        })
        child.send({ ...request, id }, (error) => {
          if (error !== null)
            waiting.get(id)?.(failed(`the holder was not reached: ${error.message}`))
        })
      })
    },
    async end() {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS)
      if (alive) await ended
      clearTimeout(timer)
    },
  }
}

/** What makes this Node read TypeScript; a debugger's port or an inline script must not be inherited. */
function loaderArguments(given: readonly string[]): string[] {
  const inline = given.findIndex((argument) => /^(-e|-p|-pe|--eval|--print)$/.test(argument))
  const kept = inline === -1 ? given : [...given.slice(0, inline), ...given.slice(inline + 2)]
  return kept.filter((argument) => !argument.startsWith('--inspect'))
}

function failed(reason: string): HotStandbyError {
  return new HotStandbyError('HS_COMMAND_FAILED', { reason })
}
