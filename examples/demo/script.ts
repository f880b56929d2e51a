import type { DemoPair } from './demo-pair.ts'
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
      tell(pair.primary.output())
      tell(pair.secondary.output())
      throw thrown
    }
  }
  await playStory(pair, step)
  tell(`${clock(startedAt)}  done: all ${number} steps hold`)
}

function clock(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s`
}
