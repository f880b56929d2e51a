import assert from 'node:assert/strict'
import { watchNotifications } from '../../../hooks/event-notification.ts'
import { watchRole } from '../../../hooks/role-change.ts'
import { createViewLocals } from '../../../plugin/http/banner.ts'
import { csv } from '../../../plugin/api/csv.ts'
import { chart } from '../../../plugin/http/view-models/chart.ts'
import { createLanguages } from '../../../plugin/http/i18n/language.ts'
import { activeStatus, historyEntry, newStatus, pairedStatus } from '../../support/web-status.ts'

const languages = createLanguages()
const english = languages('en', 'UTC')
const german = languages('de-AT', 'Europe/Vienna')

describe('what the pages say', () => {
  for (const [ms, text] of [
    [null, '–'],
    [0, '0 ms'],
    [0.4, '< 1 ms'],
    [340, '340 ms'],
    [2400, '2.4 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ] as const)
    it(`says ${text} for ${ms} ms`, () => assert.equal(english.duration(ms), text))

  for (const [count, text] of [
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1.0 KiB'],
    [1_073_741_824, '1.0 GiB'],
  ] as const)
    it(`says ${text} for ${count} bytes`, () => assert.equal(english.bytes(count), text))

  it('draws a missing value as a bar of its own and says so in words', () => {
    const drawn = chart('Round trip', [1, null, 4], 'unanswered', english)
    assert.deepEqual(
      drawn?.bars.map((bar) => [bar.isMissing, bar.height]),
      [
        [false, 10],
        [true, 40],
        [false, 40],
      ],
    )
    assert.match(drawn?.label ?? '', /1 of 3 unanswered/)
    assert.equal(chart('Nothing', [], 'x', english), null)
  })

  it('has a banner for each situation and none for a server alone', () => {
    const banner = (status: ReturnType<typeof pairedStatus> | null, reachable: boolean | null) =>
      createViewLocals(() => ({ status, reachable }), '/hs', english).banner
    assert.match(banner(pairedStatus(), true)?.role ?? '', /Standby: configuration is locked/)
    assert.equal(banner(pairedStatus(), true)?.href, '/hs/active')
    assert.equal(banner(activeStatus(), true)?.level, 'good')
    assert.equal(banner(newStatus(), true), null)
    assert.equal(banner(newStatus(), false), null)
    assert.equal(banner(activeStatus(), false)?.level, 'bad')
    assert.equal(banner(null, null), null)
  })

  it('writes numbers and times as the reader does, and the time zone with them', () => {
    assert.equal(german.duration(2400), '2,4 s')
    assert.equal(german.count(1_234_567), '1\u00a0234\u00a0567')
    assert.equal(german.moment('2026-03-01T10:00:00.000Z')?.text, '1. März 2026, 11:00:00 MEZ')
    assert.equal(english.moment('2026-03-01T10:00:00.000Z')?.text, '1 Mar 2026, 10:00:00 UTC')
    assert.equal(english.moment('not a time')?.text, 'not a time')
  })

  for (const [wanted, tag] of [
    ['de', 'de'],
    ['de-AT', 'de'],
    ['en-US', 'en'],
    ['fr', 'en'],
    ['den', 'en'],
    ['', 'en'],
    ['not a locale!', 'en'],
  ] as const)
    it(`speaks ${tag} to whoever wants "${wanted}"`, () => {
      assert.equal(languages(wanted, 'UTC').tag, tag)
      assert.equal(languages(wanted, 'No/Where').moment('2026-03-01T10:00:00.000Z')?.iso.length, 24)
    })

  it('keeps few languages, whatever a browser sends', () => {
    const first = languages('en-GB', 'UTC')
    assert.equal(languages('en-GB', 'UTC'), first)
    for (let index = 0; index < 60; index++) languages(`en-x-a${index}`, 'UTC')
    assert.notEqual(languages('en-GB', 'UTC'), first)
  })

  it('does not say what a server is whose agent is silent', () => {
    const prefix = (reachable: boolean): string =>
      createViewLocals(() => ({ status: activeStatus(), reachable }), '/hs', english).titlePrefix
    assert.equal(prefix(true), '[active] ')
    assert.equal(prefix(false), '[role unknown] ')
  })

  it('puts an apostrophe before what a spreadsheet would run', () => {
    assert.equal(csv(['a'], [['=1'], ['+1'], ['-1'], ['@x'], ['"']]).split('\r\n')[1], `"'=1"`)
    assert.match(csv(['a'], [['"']]), /""""/)
  })
})

describe('the hooks', () => {
  it('tell of a role change once', () => {
    const told: unknown[] = []
    const listen = watchRole(({ previous, role }) => told.push([previous, role]))
    for (const status of [pairedStatus(), pairedStatus(), activeStatus()]) listen(status)
    assert.deepEqual(told, [
      [null, 'standby'],
      ['standby', 'active'],
    ])
  })

  it('give the platform’s sender each event that is notified once, and no other', () => {
    const subjects: string[] = []
    const listen = watchNotifications(({ subject }) => subjects.push(subject))
    for (const entry of [
      historyEntry(1),
      historyEntry(1),
      historyEntry(2, { kind: 'agentStarted' }),
      historyEntry(3, { kind: 'fromTheFuture' as never }),
    ])
      listen(entry)
    assert.deepEqual(subjects, ['[pbx-2] The peer does not answer'])
  })
})
