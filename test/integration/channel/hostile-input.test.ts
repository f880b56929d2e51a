import assert from 'node:assert/strict'
import { connect as connectPlain, type Socket } from 'node:net'
import { once } from 'node:events'
import { makeIdentity } from '../../../plugin/channel/tls-identity.ts'
import { SERVICES } from '../../../plugin/channel/services.ts'
import { createPeerClient } from '../../../plugin/channel/peer-client.ts'
import {
  type Channel,
  eventually,
  handlerWith,
  POSITION,
  rawClient,
  recordingLogger,
  startChannel,
} from '../../support/channel.ts'

describe('channel under hostile input', () => {
  let channel: Channel
  const logger = recordingLogger()
  let calls = 0

  beforeEach(async () => {
    calls = 0
    channel = await startChannel({
      logger,
      limits: {
        handshakeMs: 300,
        peerRequestMs: 300,
        connectionsPerRemote: 8,
        connectionsOfStrangers: 100,
      },
      handler: handlerWith({
        currentPosition: () => {
          calls += 1
          return Promise.resolve(POSITION)
        },
      }),
    })
  })

  afterEach(async () => {
    // Whatever was done to it, it still serves its peer.
    const client = createPeerClient({ identity: channel.theirs, peer: () => channel.record })
    await eventually(
      'the hostile connections are gone',
      () => channel.server.stats().connections === 0,
    )
    calls = 0
    assert.deepEqual(await client.currentPosition(), POSITION)
    client.disconnect()
    await channel.server.close()
  })

  const refused = () => channel.server.stats().refused
  const request = (body: string, length = Buffer.byteLength(body)): string =>
    `POST /current-position HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n${body}`

  it('gives a client without a certificate no answer', async () => {
    const { socket, closed } = rawClient(channel, { key: undefined, cert: undefined })
    socket.write(request('{}'))
    assert.equal((await closed).length, 0)
    assert.equal(refused().noCertificate, 1)
    assert.equal(calls, 0)
  })

  it('gives a client with another certificate no answer', async () => {
    const stranger = await makeIdentity()
    for (const service of [SERVICES.peerApi, SERVICES.database]) {
      const { socket, closed } = rawClient(channel, {
        key: stranger.keyPem,
        cert: stranger.certificatePem,
        ALPNProtocols: [service],
      })
      socket.write(request('{}'))
      assert.equal((await closed).length, 0)
    }
    assert.equal(refused().notThePeer, 2)
    assert.equal(calls, 0)
  })

  it('does not accept the peer certificate without its key', async () => {
    const stranger = await makeIdentity()
    assert.throws(
      () => rawClient(channel, { key: stranger.keyPem, cert: channel.theirs.certificatePem }),
      /key values mismatch/,
    )
  })

  it('speaks nothing older than TLS 1.3', async () => {
    const { socket, closed } = rawClient(channel, { maxVersion: 'TLSv1.2' })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    assert.match(error.code ?? '', /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/)
    await closed
    await eventually('counted', () => refused().handshakeFailed === 1)
  })

  it('refuses a service that it does not have', async () => {
    const { socket, closed } = rawClient(channel, { ALPNProtocols: ['h2'] })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    assert.match(error.code ?? '', /NO_APPLICATION_PROTOCOL/)
    await closed
  })

  it('refuses a client that names no service, and pairing where there is none', async () => {
    const silent = rawClient(channel, { ALPNProtocols: undefined })
    assert.equal((await silent.closed).length, 0)
    const pairing = rawClient(channel, { ALPNProtocols: [SERVICES.pairing] })
    assert.equal((await pairing.closed).length, 0)
    assert.equal(refused().unknownService, 2)
  })

  it('closes what is not TLS', async () => {
    const socket = plain()
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'close')
    assert.equal(refused().handshakeFailed, 1)
  })

  it('closes a connection that says nothing', async () => {
    const socket = plain()
    await once(socket, 'close')
    assert.equal(refused().handshakeFailed, 1)
  })

  it('closes a connection that sends garbage after the handshake', async () => {
    const { socket, closed } = rawClient(channel)
    socket.write(Buffer.alloc(5000, 0xff))
    assert.equal((await closed).length, 0)
    assert.equal(refused().notHttp, 1)
  })

  it('closes a connection with endless headers', async () => {
    const { socket, closed } = rawClient(channel)
    socket.write(`POST /current-position HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    await closed
    assert.equal(refused().notHttp, 1)
    assert.equal(calls, 0)
  })

  it('closes a connection that sends its request byte by byte', async () => {
    const { socket, closed } = rawClient(channel)
    let sent = 0
    const text = request('{}')
    const trickle = setInterval(() => socket.write(text.charAt(sent++)), 20)
    assert.equal((await closed).length, 0)
    clearInterval(trickle)
    assert.ok(sent < text.length)
    assert.equal(refused().tooSlow, 1)
    assert.equal(calls, 0)
  })

  it('closes a connection whose body never ends', async () => {
    const { socket, closed } = rawClient(channel)
    socket.write(request('{', 100))
    await closed
    assert.equal(refused().tooSlow, 1)
    assert.equal(calls, 0)
  })

  it('refuses a body of more than 1 MiB by its announced length', async () => {
    const { socket, closed } = rawClient(channel)
    socket.write(request('', 1_048_577))
    assert.match((await closed).toString(), /^HTTP\/1\.1 400 [^]*larger than 1048576 bytes/)
    assert.equal(calls, 0)
  })

  it('refuses a body of more than 1 MiB that announces no length', async () => {
    const { socket, closed } = rawClient(channel)
    socket.write('POST /current-position HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    for (let sent = 0; sent <= 17; sent += 1) socket.write(chunk)
    await closed
    assert.equal(calls, 0)
  })

  it('answers what is not a call with an error and no stack', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [request('not json'), /400 [^]*HS_REQUEST_INVALID/],
      ['POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}', /404 [^]*HS_NOT_FOUND/],
      ['POST /constructor HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}', /404 /],
      ['GET /current-position HTTP/1.1\r\nhost: a\r\n\r\n', /404 /],
      ['POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nnull', /400 /],
    ]
    for (const [text, expected] of cases) {
      const { socket, closed } = rawClient(channel)
      socket.write(text)
      const answer = (await closed).toString()
      assert.match(answer, expected)
      assert.doesNotMatch(answer, /node:|\.ts:/)
    }
    assert.equal(calls, 0)
  })

  it('bounds the connections of one remote', async () => {
    const sockets = Array.from({ length: 12 }, plain)
    await eventually('the rest is refused', () => refused().tooManyConnections === 4)
    for (const socket of sockets) socket.destroy()
  })

  it('writes one line for many refusals of one kind', async () => {
    logger.lines.length = 0
    for (let n = 0; n < 5; n += 1) await rawClient(channel, { ALPNProtocols: undefined }).closed
    assert.equal(refused().unknownService, 5)
    assert.equal(logger.lines.filter(({ text }) => text.includes('unknownService')).length, 1)
  })

  function plain(): Socket {
    const socket = connectPlain(channel.server.port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    socket.resume()
    return socket
  }
})

describe('strangers and the peer', () => {
  it('leaves room for the peer when strangers hold all their connections', async () => {
    const channel = await startChannel({
      limits: { connectionsOfStrangers: 2, handshakeMs: 60_000 },
      handler: handlerWith({ currentPosition: () => Promise.resolve(POSITION) }),
    })
    const hold = () => {
      const socket = connectPlain({
        port: channel.server.port,
        host: '127.0.0.1',
        localAddress: '127.0.0.2',
      })
      socket.on('error', () => undefined)
      return socket.resume()
    }
    const sockets = [hold(), hold(), hold()]
    await eventually('one too many', () => channel.server.stats().refused.tooManyConnections === 1)
    const client = createPeerClient({ identity: channel.theirs, peer: () => channel.record })
    assert.deepEqual(await client.currentPosition(), POSITION)
    client.disconnect()
    for (const socket of sockets) socket.destroy()
    await channel.server.close()
  })
})
