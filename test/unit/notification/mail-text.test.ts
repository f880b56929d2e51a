import assert from 'node:assert/strict'
import { eventMail, oneLine } from '../../../plugin/notification/mail-text.ts'

const SERVER = { productName: 'Example PBX', hostName: 'pbx-a', serialNumber: 'SN 1' }
const ENTRY = {
  id: 7,
  at: '2026-03-04T05:06:07.000Z',
  serverId: 'a',
  hostName: 'pbx-a',
  kind: 'peerLost',
  level: 'alert',
  title: 'The peer does not answer',
  reason: 'silent for 3000 ms',
  meaning: 'Calls go on.',
  advice: 'Repair the other server.',
  data: {},
  actor: null,
} as const

describe('event mail', () => {
  it('says what, when, why, what to do, and on which PBX', () => {
    const { subject, text, html } = eventMail(ENTRY, SERVER)
    assert.equal(subject, '[pbx-a] Alert: The peer does not answer')
    for (const part of [
      'The peer does not answer',
      '2026-03-04 05:06:07 UTC',
      'silent for 3000 ms',
      'Repair the other server.',
      'Example PBX',
      'pbx-a',
      'SN 1',
    ]) {
      assert.ok(text.includes(part), part)
      assert.ok(html.includes(part), part)
    }
  })

  it('escapes everything in HTML', () => {
    const evil = `<script>alert("1")</script>&'`
    const { html } = eventMail(
      { ...ENTRY, title: evil, reason: evil, advice: evil, actor: evil, hostName: evil },
      { productName: evil, hostName: evil, serialNumber: evil },
    )
    assert.ok(!html.includes('<script'))
    assert.equal(
      html.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#x27;/g)?.length,
      8,
    )
  })

  it('lets nothing end a header line or hide in it', () => {
    const evil = 'x\r\nBcc: thief@example.test\u0000\u202e\u2028y'
    const { subject } = eventMail({ ...ENTRY, title: evil }, { ...SERVER, hostName: evil })
    assert.doesNotMatch(subject, /[\p{C}\p{Zl}\p{Zp}]/u)
    assert.equal(oneLine(' a\r\n\tb '), 'a b')
    assert.ok(eventMail({ ...ENTRY, title: 'long '.repeat(1000) }, SERVER).subject.length <= 200)
  })
})
