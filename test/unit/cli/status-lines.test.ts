import assert from 'node:assert/strict'
import { statusLines } from '../../../plugin/cli/status-lines.ts'
import { tableLines } from '../../../plugin/cli/table-lines.ts'
import { statusDocument } from '../../support/status-document.ts'

function textOf(change: Parameters<typeof statusDocument>[0]): string {
  return statusLines(statusDocument(change)).join('\n')
}

describe('hot-standby status for a human', () => {
  it('says in aligned lines who is what, where the virtual IP is and how far replication is', () => {
    const lines = statusLines(statusDocument())
    assert.match(lines[0] ?? '', /^Health {7}healthy: /u)
    const text = lines.join('\n')
    assert.match(
      text,
      /^This server {2}server-b: secondary, standby \(standby\) since .* term 2$/mu,
    )
    assert.match(
      text,
      /^Peer {9}192\.0\.2\.1: primary, active \(active\) since .*, term 2, last heard 200 ms ago$/mu,
    )
    assert.match(text, /^Virtual IP {3}192\.0\.2\.10\/24 held by the peer/mu)
    assert.match(
      text,
      /^Heartbeat {4}every 500 ms, dead time 5\.0 s, round trip 0\.4 ms, loss 0 %$/mu,
    )
    assert.match(text, /^Replication {2}streaming, in sync$/mu)
    assert.match(
      text,
      /^Config lock {2}locked: this server is standby; configure at 192\.0\.2\.10$/mu,
    )
    assert.match(text, /^Blockers {5}none$/mu)
    assert.match(text, /^Rehearsal {4}never; try it/mu)
  })

  it('says what the witness does, where there is one', () => {
    assert.doesNotMatch(textOf({}), /^Witness/mu)
    assert.match(textOf({ witness: 'hasRole' }), /^Witness {6}keeps the role for this server$/mu)
    assert.match(textOf({ witness: 'lost' }), /^Witness {6}DOES NOT ANSWER: hot-standby doctor$/mu)
  })

  it('cannot be overlooked when the peer is silent, the address is nobody’s or data is behind', () => {
    const { peer, virtualIp, replication, server } = statusDocument()
    assert.ok(peer && virtualIp)
    const text = textOf({
      peer: { ...peer, heard: false },
      virtualIp: { ...virtualIp, holder: 'nobody' },
      replication: {
        ...replication,
        phase: 'connecting',
        inSync: false,
        reason: 'the peer does not answer',
        lag: { ageMs: 65_000, rows: 12, bytes: 4096 },
        wakeUp: 'poll',
      },
      server: { ...server, databaseUp: false, referenceReachable: false },
    })
    assert.match(text, /DOES NOT ANSWER/u)
    assert.match(text, /HELD BY NOBODY/u)
    assert.match(
      text,
      /connecting, NOT in sync, lag 65 s \(12 rows, 4\.0 KiB\), by polling only - the peer does not answer/u,
    )
    assert.match(text, /\[database down, no reference address answers\]/u)
  })

  it('shows how far a standby is that catches up', () => {
    const { replication } = statusDocument()
    const catchUp = {
      startedAt: '2026-01-01T00:00:00.000Z',
      changes: { done: 41_000, total: 100_000 },
      remainingMs: 12_000,
    }
    const text = textOf({ replication: { ...replication, catchUp } })
    assert.match(text, /^Catching up {2}41000 of 100000 changes, 12 s left$/mu)
  })

  it('lists what is not synchronised and why, what is wrong first', () => {
    const { replication } = statusDocument()
    const unknown = { lastChangeAt: null, lastCheckedAt: null, lag: null } as const
    const table = { capture: 'key', rows: 1, ...unknown } as const
    const excluded = Array.from({ length: 40 }, (_, index) => ({
      name: `public.own_${index}`,
      kind: 'table' as const,
      why: 'excluded' as const,
      reason: 'belongs to one server',
    }))
    const text = textOf({
      replication: {
        ...replication,
        tables: [
          { ...table, name: 'public.broken', state: 'quarantined', reason: 'it is missing' },
          { ...table, name: 'public.fine', state: 'replicated', reason: null },
        ],
        notReplicated: [
          ...excluded,
          { name: 'large objects', kind: 'object', why: 'impossible', reason: '2 large objects' },
        ],
      },
    })
    assert.match(
      text,
      /^Left out {5}public\.broken CANNOT BE SYNCHRONISED: it is missing\n {13}object large objects: 2 large objects\n {13}public\.own_0: belongs to one server$/mu,
    )
    assert.match(text, /^ {13}and 12 more: hot-standby status --json$/mu)
    assert.doesNotMatch(text, /fine/u)
    assert.doesNotMatch(textOf({}), /Left out/u)
  })

  it('gives each blocker with its remedy, and the progress of the initial copy', () => {
    const { replication } = statusDocument()
    const text = textOf({
      blockers: [{ id: 'x', reason: 'the copy is not complete', remedy: 'Wait for it.' }],
      replication: {
        ...replication,
        initialCopy: {
          startedAt: '2026-03-01T09:59:00.000Z',
          finishedAt: null,
          tables: { done: 3, total: 17 },
          rows: { done: 1000, estimated: 5000 },
          bytes: { done: 2048, estimated: 8192 },
          remainingMs: 90_000,
          table: 'extensions',
        },
      },
    })
    assert.match(text, /^Blockers {5}the copy is not complete\n {15}Wait for it\.$/mu)
    assert.match(text, /3 of 17 tables, 1000 of about 5000 rows, 2\.0 KiB, 90 s left/u)
  })

  it('works for a server that was never set up', () => {
    const { server } = statusDocument()
    const text = textOf({
      setUp: 'notSetUp',
      server: { ...server, identity: null },
      peer: null,
      virtualIp: null,
      heartbeat: null,
    })
    assert.match(text, /^This server {2}server-b: not set up/mu)
    assert.match(text, /^Peer {9}none$/mu)
  })

  it('says what is broken on the other server, while that can be asked', () => {
    const { peer } = statusDocument()
    assert.ok(peer)
    const broken = { databaseUp: false, serviceHealthy: false, referenceReachable: null }
    assert.match(
      textOf({ peer: { ...peer, ...broken } }),
      /^Peer .* \[database down, telephony service unhealthy\]$/mu,
    )
    const unknown = { since: null, databaseUp: null, serviceHealthy: null, carrierUp: null }
    assert.match(textOf({ peer: { ...peer, ...unknown } }), /^Peer .*\(active\), term 2, .*ago$/mu)
  })

  it('lists the tables one by one with their lag', () => {
    const { replication } = statusDocument()
    const known = { capture: 'key', lastChangeAt: null, lastCheckedAt: null } as const
    const tables = [
      { ...known, name: 'public.a', state: 'replicated', reason: null, rows: 7, lag: null },
      {
        ...known,
        name: 'public.calls',
        state: 'quarantined',
        reason: 'no column "x"',
        rows: null,
        lag: { rows: 3, ageMs: 65_000 },
      },
    ] as const
    assert.deepEqual(tableLines(statusDocument({ replication: { ...replication, tables } })), [
      'Table         State        Rows  Lag        Last change  Last check',
      'public.a      replicated   7     -          -            -',
      'public.calls  QUARANTINED  -     3 in 65 s  -            -',
      '  no column "x"',
    ])
  })
})
