import assert from 'node:assert/strict'
import { PAGES } from './plugin-routes.ts'
import { API_TOKEN } from './web-platform.ts'

/** Until the first byte of the answer. */
export const LONGEST_MS = 200
/** The machine of a test is never quiet: of some attempts the best says what the page itself needs. */
const ATTEMPTS = 7

/** Every page, and the questions about the history that find least and must look furthest. */
export const PROMPT_PAGES = [
  ...PAGES,
  'synchronisation?search=t4&sort=rows&order=descending&page=2',
  'history?limit=2000',
  'history?level=alert&before=50',
  'history?by=nobody-at-all',
  'history?kind=failoverDone&since=2026-01-02T00:00&until=2026-01-02T00:10',
]

/** Asks for the page some times; the quickest answer must begin in time. */
export async function assertPrompt(url: string): Promise<void> {
  const times: number[] = []
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) times.push(await firstByteMs(url))
  const text = times.map((ms) => Math.round(ms)).join(', ')
  assert.ok(Math.min(...times) <= LONGEST_MS, `${text} ms`)
}

async function firstByteMs(url: string): Promise<number> {
  const begun = performance.now()
  const answer = await fetch(url, { headers: { authorization: `Bearer ${API_TOKEN}` } })
  const elapsed = performance.now() - begun
  assert.equal(answer.status, 200)
  await answer.text()
  return elapsed
}
