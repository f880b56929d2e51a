import assert from 'node:assert/strict'
import {
  renderPart,
  SUMMARY_VARIABLES,
  TEMPLATE_VARIABLES,
  templateProblem,
} from '../../../plugin/config/message-template.ts'
import { DEFAULT_TEMPLATE, SUMMARY_TEMPLATE } from '../../../plugin/config/default-templates.ts'
import { eventMail } from '../../../plugin/notification/mail-text.ts'
import { historyEntry } from '../../support/web-status.ts'

const problem = (source: string, name = 'default') =>
  templateProblem(name, 'text', source)?.message ?? null
const SERVER = { productName: 'P', hostName: 'pbx-a', serialNumber: 'S' }

describe('message templates', () => {
  it('take their variables, and blocks that ask for one', () => {
    for (const name of Object.keys(TEMPLATE_VARIABLES)) assert.equal(problem(`{{${name}}}`), null)
    for (const name of Object.keys(SUMMARY_VARIABLES)) {
      assert.match(problem(`{{${name}}}`) ?? '', /unknown variable/)
      assert.equal(problem(`{{${name}}}`, 'summary'), null)
    }
    assert.equal(problem('{{#if actor}}by {{actor}}{{else}}{{~title~}}{{/if}}{{!-- x --}}'), null)
    assert.equal(
      problem('{{#unless reason}}none{{/unless}} \\{{title}} { } {{{{raw}}}} {{{{/raw}}}}'),
      'has a block that is not known: raw',
    )
    for (const part of ['subject', 'text', 'html'] as const) {
      assert.equal(templateProblem('peerLost', part, DEFAULT_TEMPLATE[part]), null)
      assert.equal(templateProblem('summary', part, SUMMARY_TEMPLATE[part]), null)
    }
  })

  const hostile: readonly (readonly [string, RegExp])[] = [
    ['{{nothing}}', /unknown variable: nothing/],
    ['{{constructor}}', /unknown variable: constructor/],
    ['{{__proto__}}', /unknown variable: __proto__/],
    ['{{title.constructor}}', /unknown variable: title.constructor/],
    ['{{title.length}}', /unknown variable/],
    ['{{this}}', /unknown variable/],
    ['{{.}}', /unknown variable/],
    ['{{../title}}', /unknown variable/],
    ['{{this.title}}', /unknown variable/],
    ['{{@root.title}}', /unknown variable/],
    ['{{[title]}}', /unknown variable|^$/],
    ['{{"title"}}', /unknown variable/],
    ['{{{title}}}', /would not be escaped/],
    ['{{&title}}', /would not be escaped/],
    ['{{lookup title "constructor"}}', /calls a helper: lookup/],
    ['{{log title}}', /calls a helper: log/],
    ['{{title a=1}}', /calls a helper: title/],
    ['{{#each title}}x{{/each}}', /block that is not known: each/],
    ['{{#with title}}x{{/with}}', /block that is not known: with/],
    ['{{#title}}x{{/title}}', /block that is not known: title/],
    ['{{#if (lookup title "x")}}x{{/if}}', /unknown variable/],
    ['{{#if title includeZero=true}}x{{/if}}', /more than one variable/],
    ['{{#if title as |x|}}{{x}}{{/if}}', /block parameters/],
    ['{{#if title}}{{else}}{{constructor}}{{/if}}', /unknown variable: constructor/],
    ['{{#if title}}{{else if nothing}}{{/if}}', /unknown variable: nothing/],
    ['{{> partial}}', /not allowed: PartialStatement/],
    ['{{#> layout}}{{/layout}}', /not allowed: PartialBlockStatement/],
    ['{{* decorator}}', /not allowed: Decorator/],
    ['{{#*inline "x"}}{{/inline}}', /not allowed: DecoratorBlock/],
    ['{{#if title}}', /is not a template/],
    ['{{title', /is not a template/],
    ['x'.repeat(4001), /too long/],
  ]
  for (const [source, expected] of hostile)
    it(`refuse ${source.slice(0, 40)}`, () => {
      assert.match(problem(source) ?? '', expected)
    })

  it('escape values in HTML, keep them in text, and are never templates themselves', () => {
    const values = { title: '<b>{{reason}}</b>', reason: 'secret' }
    assert.equal(renderPart('html', '{{title}}', values), '&lt;b&gt;{{reason}}&lt;/b&gt;')
    assert.equal(renderPart('text', '{{title}}', values), '<b>{{reason}}</b>')
  })

  it('of one kind go before the general one, and a bad one costs no message', () => {
    const entry = historyEntry(1)
    const written = { subject: 'A {{title}}', text: 't', html: 'h' }
    const subject = (templates: object) =>
      eventMail(entry, SERVER, { templates: templates as never }).subject
    assert.equal(subject({ default: written }), 'A The peer does not answer')
    assert.equal(subject({ default: written, peerLost: { ...written, subject: 'B' } }), 'B')
    assert.match(subject({ peerLost: { ...written, html: '{{bad}}' } }), /^\[pbx-a\] Alert/)
    assert.match(subject({ constructor: written }), /^\[pbx-a\] Alert/)
    const long = { subject: 'x', text: '{{reason}}'.repeat(300), html: '' }
    const mail = eventMail(historyEntry(1, { reason: 'y'.repeat(4000) }), SERVER, {
      templates: { default: long },
    })
    assert.ok(mail.text.length < 20_000)
  })
})
