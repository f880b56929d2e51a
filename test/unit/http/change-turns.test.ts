import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Request, Response } from 'express'
import { createChangeTurns } from '../../../hooks/change-turns.ts'
import type { ChangesTurn, ChangesTurnInput } from '../../../plugin/api/agent-api.ts'
import { redirectChange } from '../../../plugin/http/redirect-change.ts'
import type { Web } from '../../../plugin/http/web.ts'
import { silentLogger } from '../../../plugin/logger.ts'
import { activeStatus } from '../../support/web-status.ts'
import { waitUntil } from '../../support/wait-until.ts'

/** An agent that answers each call when the test says so. */
function scriptedTurns() {
  const calls: (ChangesTurnInput & {
    answer(turn: ChangesTurn): void
    fail(): void
  })[] = []
  const turns = createChangeTurns({
    logger: silentLogger,
    nextTurn: (input, signal) =>
      new Promise((answer, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
        calls.push({ ...input, answer, fail: () => reject(new Error('no agent')) })
      }),
  })
  const call = async (count: number) => {
    await waitUntil(`call ${count}`, () => calls.length >= count)
    return calls[count - 1]!
  }
  turns.start()
  return { turns, call }
}

const response = (): Response => new EventEmitter() as unknown as Response

describe('the turns of changes in a web process', () => {
  it('come back to the agent when what was under way is answered, and let what waits go where it says', async () => {
    const { turns, call } = scriptedTurns()
    ;(await call(1)).answer({ number: 1, changes: 'open' })
    await call(2)
    const underWay = response()
    assert.equal(await turns.enter(underWay, true), 'go')
    ;(await call(2)).answer({ number: 2, changes: 'held' })
    await waitUntil('the turn', async () => {
      const probe = response()
      const waits = turns.enter(probe, true)
      const later = new Promise((resolve) => setImmediate(resolve, 'waits'))
      const isHeld = (await Promise.race([waits, later])) === 'waits'
      if (!isHeld) probe.emit('close')
      return isHeld
    })
    const waiting = response()
    const outcome = turns.enter(waiting, true)
    const answeredAt = performance.now()
    assert.equal(await turns.enter(response(), false), 'go', 'reads go on')
    underWay.emit('close')
    const third = await call(3)
    assert.ok(performance.now() - answeredAt < 400, 'at once, not when its patience ends')
    assert.equal(third.seen, 2)
    third.answer({ number: 3, changes: 'moved' })
    assert.equal(await outcome, 'moved')
    assert.equal(await turns.enter(response(), true), 'moved', 'and so is whatever comes now')
    assert.equal(await turns.enter(response(), false), 'moved')
    await turns.stop()
  })

  it('leave it to the lock when the agent does not answer, or the process stops', async () => {
    const { turns, call } = scriptedTurns()
    ;(await call(1)).answer({ number: 7, changes: 'held' })
    const second = await call(2)
    const outcome = turns.enter(response(), true)
    second.fail()
    assert.equal(await outcome, 'go')
    const third = await call(3)
    assert.equal(third.seen, 0, 'another agent may count anew')
    third.answer({ number: 1, changes: 'held' })
    await call(4)
    const stopped = turns.enter(response(), true)
    await turns.stop()
    assert.equal(await stopped, 'go')
  })
})

describe('a change that is sent to the virtual IP', () => {
  const sentTo = (request: object): string | undefined => {
    let location: string | undefined
    const answer = {
      set: () => answer,
      redirect: (status: number, url: string) => {
        assert.equal(status, 307)
        location = url
      },
    }
    const web = {
      watch: { known: () => ({ status: activeStatus() }) },
      options: { activeUrl: (address: string) => `https://${address}:8443/start` },
    } as unknown as Web
    const whole = {
      protocol: 'http',
      get: () => 'pbx.example:8080',
      originalUrl: '/x?y=1',
      socket: { localAddress: '::ffff:192.0.2.10' },
      ...request,
    } as unknown as Request
    redirectChange(web, whole, answer as unknown as Response)
    return location
  }

  it('keeps the name that the client used where that leads to the virtual IP', () => {
    assert.equal(sentTo({}), 'http://pbx.example:8080/x?y=1')
    const own = { socket: { localAddress: '192.0.2.1' } }
    assert.equal(sentTo(own), 'https://192.0.2.10:8443/x?y=1')
  })

  it('leads nowhere else, whatever the client writes', () => {
    assert.equal(
      sentTo({ originalUrl: '//evil.example/x' }),
      'http://pbx.example:8080//evil.example/x',
    )
    assert.equal(sentTo({ originalUrl: 'http://evil.example/x' }), 'http://pbx.example:8080/')
    assert.equal(sentTo({ get: () => 'a b' }), undefined)
    assert.equal(sentTo({ get: () => undefined }), 'http://192.0.2.10/x?y=1')
  })
})
