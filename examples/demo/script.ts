import type { DemoPair } from './demo-pair.ts'
import type { PbxServer } from './pbx-server.ts'
import { type Step, playStory } from './story.ts'

/** Plays the story unattended; prints each step with its time; throws at the first that does not hold. */
export async function runScript(pair: DemoPair, tell: (line: string) => void): Promise<void> {
  const startedAt = performance.now()
  let number = 0
  const step: Step = async (title, run) => {
    number++
    const stepAt = performance.now()
    try {
      const detail = await run()
      const tookMs = performance.now() - stepAt
      tell(
        `${clock(startedAt)}  ok  ${String(number).padStart(2)}  ${title} (${tookMs.toFixed(0)} ms)`,
      )
      if (detail !== undefined) tell(`${' '.repeat(20)}${detail}`)
    } catch (thrown) {
      tell(`${clock(startedAt)}  FAILED  ${title}`)
      for (const server of [pair.primary, pair.secondary]) await tellWhatHappened(server, tell)
      throw thrown
    }
  }
  await playStory(pair, step)
  tell(`${clock(startedAt)}  done: all ${number} steps hold`)
}

/** Output and history, which say more than the step that did not hold. */
async function tellWhatHappened(server: PbxServer, tell: (line: string) => void): Promise<void> {
  tell(server.output())
  const { events } = await server
    .command<{ events: readonly { at: string; title: string; reason: string }[] }>('events')
    .catch(() => ({ events: [] }))
  tell(`--- events of ${server.name}, newest first`)
  for (const { at, title, reason } of events) tell(`${at}  ${title}: ${reason}`)
}

function clock(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s`
}
