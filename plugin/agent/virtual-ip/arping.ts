import { setTimeout as delay } from 'node:timers/promises'
import { runCommand } from '../run-command.ts'

export interface ArpAnswer {
  readonly sent: number
  /** Who answered first, in lower case; null when nobody did. */
  readonly hardware: string | null
}

const PROBE_COUNT = 3
const PROBE_GAP_MS = 50
/** A neighbour on the LAN answers within a millisecond; the rest is the time that a program takes to start. */
const QUICK_ANSWER_MS = 120
/** For a machine that is so busy that its questions were not sent in time. */
const SLOW_ANSWER_MS = 400

/**
 * What `arping` found out, from what it printed; null when it never asked. Its exit status is not used: 1 means
 * "somebody answered" as well as "wrong usage", and 0 also means "our own cable is cut".
 */
export function readArping(printed: string): ArpAnswer | null {
  const answered = /reply from \S+ \[([0-9a-f:]{17})\]/i.exec(printed)?.[1]
  const sent = Number(/^Sent (\d+) probes/m.exec(printed)?.[1] ?? 0)
  if (answered !== undefined) return { sent: Math.max(sent, 1), hardware: answered.toLowerCase() }
  return sent > 0 ? { sent, hardware: null } : null
}

/**
 * Asks the LAN for an address as RFC 5227 does, with the sender 0.0.0.0, which leaves no trace in anybody's table.
 * Three questions 50 ms apart, once more with more time when they were not sent; null when this machine could not ask.
 */
export async function probeByArping(
  address: string,
  interfaceName: string,
): Promise<ArpAnswer | null> {
  const command = ['arping', '-D', '-c', '1', '-w', '1', '-I', interfaceName, address]
  return (await askThrice(command, QUICK_ANSWER_MS)) ?? askThrice(command, SLOW_ANSWER_MS)
}

async function askThrice(command: readonly string[], timeoutMs: number): Promise<ArpAnswer | null> {
  const asked = Array.from({ length: PROBE_COUNT }, (_, index) =>
    askAfter(index * PROBE_GAP_MS, command, timeoutMs),
  )
  const found = await Promise.any(
    asked.map(async (answer) => {
      const read = await answer
      if (read?.hardware == null) throw new Error('nobody answered')
      return read
    }),
  ).catch(() => null)
  if (found !== null) return found
  const sent = (await Promise.all(asked)).reduce((sum, answer) => sum + (answer?.sent ?? 0), 0)
  return sent >= 2 ? { sent, hardware: null } : null // one question may get lost
}

/**
 * Whether a neighbour answers; null when this machine could not ask. Asks again and again for the whole time, since a bad
 * line loses questions and answers: one that loses 40 % of all frames loses two of three.
 */
export async function answersToArping(
  address: string,
  interfaceName: string,
  timeoutMs: number,
): Promise<boolean | null> {
  const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)))
  const command = ['arping', '-f', '-w', seconds, '-I', interfaceName, address]
  const until = performance.now() + timeoutMs
  const asked: Promise<ArpAnswer | null>[] = []
  const enough = new AbortController()
  for (let leftMs = timeoutMs; leftMs > 0; leftMs = Math.round(until - performance.now())) {
    const question = askAfter(0, command, leftMs)
    asked.push(question)
    void question.then((answer) => {
      if (answer?.hardware != null) enough.abort()
    })
    const pause = delay(Math.min(QUICK_ANSWER_MS, leftMs), undefined, { signal: enough.signal })
    await pause.catch(() => undefined) // answered
    if (enough.signal.aborted) return true
  }
  const answers = await Promise.all(asked)
  return answers.every((answer) => answer === null) ? null : enough.signal.aborted
}

async function askAfter(
  delayMs: number,
  command: readonly string[],
  timeoutMs: number,
): Promise<ArpAnswer | null> {
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  // SIGINT makes it print what it has counted; on its own it would wait for a whole second.
  const result = await runCommand(command, { timeoutMs, stopSignal: 'SIGINT' })
  return readArping(result.stdout)
}
