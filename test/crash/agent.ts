import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { BatchStep } from '../../plugin/replication/batch-step.ts'
import type { Call, Message, ProcessInput } from './agent-process.ts'

type WithoutId<Type> = Type extends unknown ? Omit<Type, 'id'> : never

const REACHED_WITHIN_MS = 30_000

/** An agent in a process of its own, as its test sees it. */
export class Agent {
  readonly #input: ProcessInput
  readonly #answers = new Map<number, (message: Message) => void>()
  #child: ChildProcess | null = null
  #reached: (step: BatchStep) => void = () => undefined
  #calls = 0

  constructor(input: ProcessInput) {
    this.#input = input
  }

  async start(): Promise<void> {
    const child = fork(
      join(import.meta.dirname, 'agent-process.ts'),
      [JSON.stringify(this.#input)],
      {
        execArgv: ['--import=tsx', '--no-deprecation'],
      },
    )
    this.#child = child
    child.on('message', (message: Message) => {
      if ('reached' in message) this.#reached(message.reached)
      else this.#answers.get(message.id)?.(message)
    })
    await this.#answerTo(0, child)
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** The agent stops at the next such step; the result resolves when it is there. */
  async stopAt(step: BatchStep): Promise<{ readonly reached: Promise<void> }> {
    const reached = new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${step} was never reached`)),
        REACHED_WITHIN_MS,
      )
      this.#reached = () => {
        clearTimeout(late)
        resolve()
      }
    })
    reached.catch(() => undefined)
    await this.call({ call: 'stopAt', step })
    return { reached }
  }

  isAlive(): boolean {
    return this.#child !== null
  }

  async call(call: WithoutId<Call>): Promise<unknown> {
    const child = this.#child
    if (child === null) throw new Error(`the agent of the ${this.#input.role} is not running`)
    this.#calls++
    const id = this.#calls
    const answer = this.#answerTo(id, child)
    child.send({ ...call, id })
    return answer
  }

  async #answerTo(id: number, child: ChildProcess): Promise<unknown> {
    const gone = (): void => this.#answers.get(id)?.({ id, error: 'the agent has ended' })
    child.once('exit', gone)
    const message = await new Promise<Message>((resolve) => this.#answers.set(id, resolve))
    child.off('exit', gone)
    this.#answers.delete(id)
    if ('error' in message) throw new Error(message.error)
    return 'result' in message ? message.result : null
  }
}
