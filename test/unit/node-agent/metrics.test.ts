import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Delivery } from '../../../plugin/api/agent-api.ts'
import type { StatusDocument } from '../../../plugin/api/status-document.ts'
import { metricsText } from '../../../plugin/node-agent/metrics.ts'
import { activeStatus, newStatus, pairedStatus } from '../../support/web-status.ts'

const PAGE = join(import.meta.dirname, '../../../docs/reference/metrics.md')

const delivery = (change: Partial<Delivery>): Delivery => ({
  id: 'a',
  at: '2026-03-01T09:58:00.000Z',
  channel: 'mail',
  kind: 'peerLost',
  level: 'alert',
  to: 'a@example.test',
  subject: '',
  state: 'waiting',
  attempts: 1,
  lastError: null,
  ...change,
})
const textOf = async (status: StatusDocument, deliveries: readonly Delivery[] = []) =>
  (await metricsText({ status, deliveries, events: new Map([['alert', 3]]) })).text
const namesIn = (text: string, pattern: RegExp): readonly string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].sort()

describe('metrics', () => {
  it('are those that the reference page names, all of them with a sample', async () => {
    const base = activeStatus()
    const text = await textOf({
      ...base,
      blockers: [{ id: 'maintenance', reason: '', remedy: '' }],
      replication: {
        ...base.replication,
        lag: { ageMs: 1500, rows: 3, bytes: 90 },
        journalBytes: 4096,
      },
    })
    const documented = namesIn(readFileSync(PAGE, 'utf8'), /^\| `(hot_standby_\w+)`/gm)
    assert.ok(documented.length > 30)
    assert.deepEqual(namesIn(text, /^(hot_standby_\w+?)(?:\{| )/gm), documented)
    assert.deepEqual(namesIn(text, /^# HELP (\w+) /gm), documented)
  })

  it('say what the status says', async () => {
    const base = pairedStatus()
    const text = await textOf(
      {
        ...base,
        replication: { ...base.replication, lag: { ageMs: 1500, rows: 3, bytes: 90 } },
      },
      [
        delivery({}),
        delivery({ state: 'delivered' }),
        delivery({ channel: 'webhook', at: base.at }),
      ],
    )
    for (const line of [
      'hot_standby_health{word="healthy"} 1',
      'hot_standby_health{word="split"} 0',
      'hot_standby_role{role="standby"} 1',
      'hot_standby_role{role="active"} 0',
      'hot_standby_term 2',
      'hot_standby_lag_seconds 1.5',
      'hot_standby_tables{state="quarantined"} 1',
      'hot_standby_drift_rows 3',
      'hot_standby_heartbeat_silent_seconds 0.2',
      'hot_standby_messages{channel="mail",state="waiting"} 1',
      'hot_standby_messages{channel="mail",state="delivered"} 1',
      'hot_standby_messages{channel="syslog",state="waiting"} 0',
      'hot_standby_oldest_message_seconds{channel="mail"} 120',
      'hot_standby_oldest_message_seconds{channel="syslog"} 0',
      'hot_standby_events_total{level="alert"} 3',
    ])
      assert.ok(text.includes(`\n${line}\n`), `${line}\n${text}`)
  })

  it('leave out what is not known, and nothing of them ends a line', async () => {
    const text = await textOf(newStatus())
    assert.doesNotMatch(text, /^hot_standby_(peer_heard|lag_seconds|virtual_ip_held)/m)
    assert.doesNotMatch(text, /NaN/)
    const base = pairedStatus()
    const hostile = 'x"}\nfake 1\n'
    const facts = { ...base.server.facts!, hostName: hostile }
    const forged = await textOf({ ...base, server: { ...base.server, facts } })
    assert.doesNotMatch(forged, /^fake/m)
  })
})
