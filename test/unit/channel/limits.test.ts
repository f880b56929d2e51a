import assert from 'node:assert/strict'
import { createAttemptLimit } from '../../../plugin/channel/attempt-limit.ts'
import {
  createConnectionGate,
  plainAddress,
  remoteGroup,
} from '../../../plugin/channel/connection-gate.ts'
import { sameFingerprint } from '../../../plugin/channel/fingerprint.ts'

describe('limits of the channel', () => {
  it('counts an IPv6 network of a host as one remote', () => {
    assert.equal(remoteGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2')
    assert.equal(remoteGroup('2001:db8:1:2::9'), '2001:db8:1:2')
    assert.equal(remoteGroup('fe80::1%eth0'), 'fe80:0:0:0')
    assert.equal(remoteGroup('::1'), '0:0:0:0')
    assert.equal(remoteGroup('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(plainAddress(undefined), '')
  })

  it('bounds remotes and strangers, and forgets who left', () => {
    const gate = createConnectionGate({ perRemote: 2, ofStrangers: 3 })
    assert.ok(gate.enter('a', false) && gate.enter('a', false))
    assert.equal(gate.enter('a', false), false)
    assert.ok(gate.enter('b', false))
    assert.equal(gate.enter('c', false), false)
    assert.ok(gate.enter('peer', true) && gate.enter('peer', true))
    assert.equal(gate.enter('peer', true), false)
    gate.leave('a', false)
    assert.ok(gate.enter('c', false))
  })

  it('limits wrong attempts of one remote and of all, for a minute', () => {
    let now = 0
    const limit = createAttemptLimit({ perRemote: 2, inAll: 3 }, () => now)
    limit.failed('a')
    now = 10_000
    limit.failed('a')
    assert.equal(limit.waitSeconds('a'), 50)
    assert.equal(limit.waitSeconds('b'), 0)
    limit.failed('b')
    assert.equal(limit.waitSeconds('c'), 50)
    now = 60_000
    assert.equal(limit.waitSeconds('a'), 0)
    assert.equal(limit.waitSeconds('c'), 0)
  })

  it('takes nothing but two equal fingerprints as the same', () => {
    const one = 'ab'.repeat(32)
    assert.equal(sameFingerprint(one, one), true)
    assert.equal(sameFingerprint(one, 'ac'.repeat(32)), false)
    for (const bad of [null, '', 'ab', one.toUpperCase(), `${one}00`])
      assert.equal(sameFingerprint(bad, bad), false)
  })
})
