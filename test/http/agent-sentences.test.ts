import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { blockersOf } from '../../plugin/core/blockers.ts'
import { checkRequirements } from '../../plugin/core/check-requirements.ts'
import { EVENT_KINDS } from '../../plugin/core/event-kinds.ts'
import { healthOf } from '../../plugin/core/health.ts'
import { ERRORS } from '../../plugin/errors.ts'
import { LANGUAGES, readSentences } from '../../plugin/http/i18n/catalogue.ts'
import { createSay } from '../../plugin/http/i18n/sentences.ts'
import { pairedStatus } from '../support/web-status.ts'

const ROOT = join(import.meta.dirname, '../..')

for (const language of LANGUAGES.filter((each) => each !== 'en'))
  describe(`what the agent says, in ${language}`, () => {
    const say = createSay(readSentences(language))
    /** Add the sentence to plugin/http/locales/<language>.agent.json. */
    const missing = (sentences: readonly string[]): string[] =>
      [...new Set(sentences)].filter((sentence) => say(sentence) === null)

    it('has every event and its advice', () => {
      const sentences = Object.values(EVENT_KINDS).flatMap(({ title, meaning, advice }) => [
        title,
        meaning,
        advice,
      ])
      assert.deepEqual(missing(sentences), [])
    })

    it('has every error and its remedy', () => {
      const sentences = Object.values(ERRORS).flatMap(({ message, remedy }) => [message, remedy])
      assert.deepEqual(missing(sentences), [])
    })

    it('has every requirement and its remedy', () => {
      assert.deepEqual(missing(requirements().flatMap(({ title, remedy }) => [title, remedy])), [])
    })

    it('has every blocker and its remedy', () => {
      const blockers = ['standby', 'active'].flatMap((role) =>
        [true, false].flatMap((peerHeard) =>
          blockersOf({
            paired: true,
            role: role as 'standby',
            peerHeard,
            peerRole: 'fault',
            standby: {
              inSync: false,
              databaseUp: false,
              diskWritable: false,
              carrierUp: false,
              referenceReachable: false,
              syncReason: peerHeard ? null : 'connecting to the active server',
            },
            maintenance: true,
            automatic: peerHeard ? 'off' : 'held',
            quarantinedTables: peerHeard ? ['public.a'] : ['public.a', 'public.b'],
            requirements: requirements().map((each) => ({ ...each, met: false })),
          }),
        ),
      )
      assert.ok(blockers.length > 20)
      assert.deepEqual(missing(blockers.flatMap(({ reason, remedy }) => [reason, remedy])), [])
    })

    it('has every health word’s meaning and action', () => {
      const words = ['standby', 'active', 'fault', 'boot', 'unpaired'].flatMap((state) =>
        ['notSetUp', 'waitingForPeer', 'paired'].flatMap((setUp) =>
          [true, false].flatMap((yes) =>
            healthOf({
              setUp: setUp as 'paired',
              state: state as 'standby',
              role: state === 'active' ? 'active' : 'standby',
              peer: { heard: yes, role: state === 'active' ? 'standby' : 'active' },
              inSync: yes,
              synchronising: !yes,
              blockers: [],
              troubles: [],
            }),
          ),
        ),
      )
      assert.deepEqual(missing(words.flatMap(({ meaning, action }) => [meaning, action])), [])
    })

    it('has what the decision core gives as reasons', () => {
      const folder = join(ROOT, 'plugin/core/transitions')
      const sentences = readdirSync(folder).flatMap((file) => reasonsOf(join(folder, file)))
      assert.ok(sentences.length > 40, `only ${sentences.length} reasons found`)
      assert.deepEqual(missing(sentences), [])
    })

    it('has what the settings and the forms refuse', () => {
      const files = [
        'plugin/config/settings-fields.ts',
        'plugin/config/sql-names.ts',
        'plugin/http/routes/set-up-page.ts',
        'plugin/node-agent/save-settings.ts',
      ]
      const sentences = files.flatMap((file) =>
        literalsOf(join(ROOT, file)).filter((text) => /^(is|has) |\.$| \| /.test(text)),
      )
      assert.deepEqual(missing(sentences.flatMap((text) => text.split(' | '))), [])
    })

    it('puts the values of a sentence in again, and translates a sentence inside it', () => {
      const sayGerman = createSay({
        'no heartbeat for {ms} ms': 'seit {ms} ms nichts',
        'given up: {reason}': 'aufgegeben: {reason}',
      })
      assert.equal(sayGerman('given up: no heartbeat for 12 ms'), 'aufgegeben: seit 12 ms nichts')
      assert.equal(sayGerman('given up: $& {ms} $1'), 'aufgegeben: $& {ms} $1')
      assert.equal(sayGerman('something else'), null)
    })

    it('is not kept busy by a hostile sentence', () => {
      const begun = performance.now()
      say(`a requirement is not met: ${'(here , peer '.repeat(5000)}`)
      say(`a requirement is not met: ${'(here , peer '.repeat(140)}`)
      assert.ok(performance.now() - begun < 500)
    })
  })

function requirements() {
  const { server, peer } = pairedStatus()
  return checkRequirements(server.facts!, peer!.facts!, { server: null, pair: null })
}

/** What is given to the transitions' helpers and as `reason`, with a number in place of each value. */
function reasonsOf(path: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    // The line that documents a transition is no reason.
    const isSummary =
      ts.isPropertyAssignment(node.parent) && node.parent.name.getText() === 'summary'
    const text = textOf(node)
    const isId = text?.startsWith('offer-') === true
    if (text !== null && !isSummary && !isId && isReason(node)) found.push(text)
    if (!ts.isTemplateExpression(node)) ts.forEachChild(node, visit)
  }
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  ts.forEachChild(file, visit)
  return found
}

function isReason(node: ts.Node): boolean {
  const { parent } = node
  return ts.isPropertyAssignment(parent)
    ? parent.name.getText() === 'reason'
    : ts.isCallExpression(parent) &&
        parent.arguments[0] !== node &&
        // A state that stays as it is shows no new reason.
        !['stay', 'keep', 'ignore'].includes(parent.expression.getText())
}

function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node))
    return /\p{Letter} \p{Letter}/u.test(node.text) ? node.text : null
  if (!ts.isTemplateExpression(node)) return null
  return node.head.text + node.templateSpans.map((span) => `7${span.literal.text}`).join('')
}

function literalsOf(path: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text !== null) found.push(text)
    ts.forEachChild(node, visit)
  }
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  ts.forEachChild(file, visit)
  return found
}
