import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT_KINDS } from '../../../plugin/core/event-kinds.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Places that speak of kinds without raising any. */
const NOT_RAISING =
  /^(core\/(synchronisation-)?event-kind|api\/|http\/|cli\/|node-agent\/mail-policy|config\/)/

const sources = readdirSync(join(ROOT, 'plugin'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !NOT_RAISING.test(path))
  .map((path) => readFileSync(join(ROOT, 'plugin', path), 'utf8'))
  .join('\n')
const page = readFileSync(join(ROOT, 'docs/reference/events.md'), 'utf8')

describe('every kind of event', () => {
  for (const [kind, { level, title, meaning, advice }] of Object.entries(EVENT_KINDS))
    it(`${kind} is raised, documented, and says what it means and what to do`, () => {
      assert.ok(sources.includes(`'${kind}'`), `nothing in plugin/ raises ${kind}`)
      const row = page.split('\n').find((line) => line.startsWith(`| \`${kind}\``)) ?? ''
      for (const part of [level, title, meaning, advice]) assert.ok(row.includes(part), part)
      assert.match(title, /^[A-Z].*[^.]$/)
      assert.match(meaning, /^[A-Z].*[.]$/s)
      assert.match(advice, /^[A-Z].*[.]$/s)
    })
})
