import assert from 'node:assert/strict'
import { createPeerClient } from '../../../plugin/channel/peer-client.ts'
import { makeIdentity } from '../../../plugin/channel/tls-identity.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import {
  type Channel,
  eventually,
  handlerWith,
  helloOf,
  POSITION,
  recordingLogger,
  startChannel,
} from '../../support/channel.ts'

describe('peer API over the channel', () => {
  let channel: Channel | null = null
  const clients: { disconnect(): void }[] = []

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    await channel?.server.close()
    channel = null
  })

  const clientOf = (to: Channel, identity = to.theirs, timeouts = {}) => {
    const client = createPeerClient({ identity, peer: () => to.record, timeouts })
    clients.push(client)
    return client
  }

  it('carries every call and its answer', async () => {
    const heard: unknown[] = []
    const hear = (input: unknown): Promise<void> => {
      heard.push(input)
      return Promise.resolve()
    }
    channel = await startChannel({
      handler: handlerWith({
        hello: (input) => Promise.resolve({ ...helloOf('a'), serverId: `for ${input.serverId}` }),
        acknowledge: hear,
        currentPosition: () => Promise.resolve(POSITION),
        role: () => Promise.resolve({ state: 'active', term: 3 }),
        databaseAccess: () => Promise.resolve({ user: 'u', password: 'p', database: 'd' }),
        handOver: () => Promise.resolve({ ...POSITION, tickId: '43' }),
        release: hear,
        abortHandOver: hear,
        unpair: () => hear('unpair'),
      }),
    })
    const client = clientOf(channel)
    assert.equal((await client.hello(helloOf('b'))).serverId, 'for b')
    assert.deepEqual(await client.currentPosition(), POSITION)
    assert.deepEqual(await client.role(), { state: 'active', term: 3 })
    assert.deepEqual(await client.databaseAccess(), { user: 'u', password: 'p', database: 'd' })
    assert.equal((await client.handOver({ requestId: 'r', newTerm: 4 })).tickId, '43')
    await client.acknowledge(POSITION)
    await client.release({ requestId: 'r', newTerm: 4 })
    await client.abortHandOver({ requestId: 'r', reason: 'because' })
    await client.unpair()
    assert.deepEqual(heard, [
      POSITION,
      { requestId: 'r', newTerm: 4 },
      { requestId: 'r', reason: 'because' },
      'unpair',
    ])
  })

  it('keeps one connection for calls that may be repeated', async () => {
    channel = await startChannel({
      handler: handlerWith({ currentPosition: () => Promise.resolve(POSITION) }),
    })
    const client = clientOf(channel)
    for (let call = 0; call < 5; call += 1) await client.currentPosition()
    assert.equal(channel.server.stats().connections, 1)
  })

  it('passes on fields that it does not know, for peers of different versions', async () => {
    channel = await startChannel({
      handler: handlerWith({ hello: (input) => Promise.resolve(input) }),
    })
    const sent = { ...helloOf('b'), somethingNew: { deep: true } }
    assert.deepEqual(await clientOf(channel).hello(sent), sent)
  })

  it('re-creates the error of the peer with code and details', async () => {
    channel = await startChannel({
      handler: handlerWith({
        handOver: () =>
          Promise.reject(new HotStandbyError('HS_WRONG_STATE', { reason: 'it is standby' })),
      }),
    })
    await assert.rejects(clientOf(channel).handOver({ requestId: 'r', newTerm: 1 }), {
      name: 'HotStandbyError',
      code: 'HS_WRONG_STATE',
      details: { reason: 'it is standby' },
    })
  })

  it('shows nothing of an unexpected error but logs it', async () => {
    const logger = recordingLogger()
    channel = await startChannel({
      logger,
      handler: handlerWith({ currentPosition: () => Promise.reject(new Error('secret detail')) }),
    })
    await assert.rejects(clientOf(channel).currentPosition(), (error: HotStandbyError) => {
      assert.equal(error.code, 'HS_INTERNAL')
      assert.ok(!JSON.stringify(error).includes('secret detail'))
      return true
    })
    assert.ok(logger.lines.some((line) => line.level === 'error'))
  })

  it('names every wrong field of a call', async () => {
    channel = await startChannel()
    const wrong = { requestId: '', newTerm: -1 }
    await assert.rejects(clientOf(channel).handOver(wrong), (error: HotStandbyError) => {
      assert.equal(error.code, 'HS_REQUEST_INVALID')
      assert.deepEqual(
        error.details.fields?.map(({ field }) => field),
        ['requestId', 'newTerm'],
      )
      return true
    })
  })

  it('refuses an answer that is not what the call promises', async () => {
    channel = await startChannel({
      handler: handlerWith({ currentPosition: () => Promise.resolve({ tickId: 'x' } as never) }),
    })
    await assert.rejects(clientOf(channel).currentPosition(), { code: 'HS_PEER_UNREACHABLE' })
  })

  it('gives a call up after its time', async () => {
    channel = await startChannel({
      handler: handlerWith({ currentPosition: () => new Promise(() => undefined) }),
    })
    const client = clientOf(channel, channel.theirs, { callMs: 100 })
    await assert.rejects(client.currentPosition(), { code: 'HS_PEER_UNREACHABLE' })
  })

  it('says that the peer is unreachable when nothing listens', async () => {
    channel = await startChannel()
    await channel.server.close()
    await assert.rejects(clientOf(channel).currentPosition(), (error: HotStandbyError) => {
      assert.equal(error.code, 'HS_PEER_UNREACHABLE')
      assert.match(error.message, /nothing listens at 127\.0\.0\.1/)
      return true
    })
  })

  it('works again when the peer has restarted, though a kept connection died', async () => {
    const handler = handlerWith({ currentPosition: () => Promise.resolve(POSITION) })
    channel = await startChannel({ handler })
    const client = clientOf(channel)
    await client.currentPosition()
    channel.server.dropStrangers()
    channel.paired = null
    channel.server.dropStrangers()
    await assert.rejects(client.currentPosition(), { code: 'HS_PEER_UNREACHABLE' })
    channel.paired = { ...channel.record, fingerprint: channel.theirs.fingerprint }
    assert.deepEqual(await client.currentPosition(), POSITION)
  })

  it('sends nothing to a server with another key', async () => {
    let called = false
    channel = await startChannel({
      handler: handlerWith({
        hello: (input) => {
          called = true
          return Promise.resolve(input)
        },
      }),
    })
    const record = { ...channel.record, fingerprint: (await makeIdentity()).fingerprint }
    const client = createPeerClient({ identity: channel.theirs, peer: () => record })
    clients.push(client)
    await assert.rejects(client.hello(helloOf('b')), { code: 'HS_PEER_UNTRUSTED' })
    await assert.rejects(client.connectDatabase(), { code: 'HS_PEER_UNTRUSTED' })
    assert.equal(called, false)
  })

  it('gives no answer to a server that is not the peer', async () => {
    channel = await startChannel()
    const stranger = clientOf(channel, await makeIdentity())
    await assert.rejects(stranger.hello(helloOf('x')), { code: 'HS_PEER_UNREACHABLE' })
    await eventually('counted', () => channel?.server.stats().refused.notThePeer === 1)
  })

  it('locks a former peer out on the connection that it has', async () => {
    channel = await startChannel({
      handler: handlerWith({ currentPosition: () => Promise.resolve(POSITION) }),
    })
    const client = clientOf(channel)
    await client.currentPosition()
    channel.paired = null
    await assert.rejects(client.currentPosition(), { code: 'HS_NOT_PAIRED' })
  })

  it('says HS_NOT_PAIRED without a peer', async () => {
    const client = createPeerClient({ identity: await makeIdentity(), peer: () => null })
    await assert.rejects(client.unpair(), { code: 'HS_NOT_PAIRED' })
    await assert.rejects(client.connectDatabase(), { code: 'HS_NOT_PAIRED' })
  })
})
