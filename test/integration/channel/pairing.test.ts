import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { type AccessCodes, createAccessCodes } from '../../../plugin/channel/access-codes.ts'
import { parseAccessCode } from '../../../plugin/channel/access-code-format.ts'
import { deriveProofKey, makeProof, sessionBinding } from '../../../plugin/channel/access-proof.ts'
import { joinPair, type JoinPairInput } from '../../../plugin/channel/join-pair.ts'
import { createPairing } from '../../../plugin/channel/pairing.ts'
import { SERVICES } from '../../../plugin/channel/services.ts'
import { makeIdentity, type TlsIdentity } from '../../../plugin/channel/tls-identity.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import type { PairingHandler } from '../../../plugin/ports.ts'
import {
  type Channel,
  helloOf,
  rawClient,
  recordingLogger,
  startChannel,
} from '../../support/channel.ts'

const PAIR_KEY = Buffer.alloc(32, 9).toString('base64')
type PairInput = Parameters<PairingHandler['pair']>[0]

const DATA = {
  primary: { tables: 2, rows: 20, isExact: true, lastActiveAt: null },
  secondary: { tables: 3, rows: 123_456, isExact: false, lastActiveAt: '2026-03-01T10:00:00.000Z' },
}
const ANSWER = { requirements: [], data: DATA, keepDataOf: 'primary' as const }

describe('pairing', () => {
  let primary: TlsIdentity
  let secondary: TlsIdentity
  let channel: Channel
  let codes: AccessCodes
  let now: number
  let asked: PairInput[]
  let refuseWith: Error | null
  let refusals: { remote: string; reason: string }[]
  const logger = recordingLogger()

  before(async () => {
    primary = await makeIdentity()
    secondary = await makeIdentity()
  })

  beforeEach(async () => {
    now = 0
    asked = []
    refuseWith = null
    refusals = []
    codes = createAccessCodes({ fingerprint: primary.fingerprint, now: () => now })
    const handler: PairingHandler = {
      pair(input) {
        asked.push(input)
        if (refuseWith !== null) return Promise.reject(refuseWith)
        const pairKey = input.preview ? null : PAIR_KEY
        return Promise.resolve({ ...ANSWER, hello: helloOf('primary'), pairKey })
      },
    }
    channel = await startChannel({
      identity: primary,
      logger,
      pairing: createPairing({
        identity: primary,
        codes,
        handler,
        logger,
        onRefused: (refusal) => refusals.push(refusal),
      }),
    })
    channel.paired = null
  })

  afterEach(() => channel.server.close())

  const join = (accessCode: string, more: Partial<JoinPairInput> = {}) =>
    joinPair({
      peer: `127.0.0.1:${channel.server.port}`,
      accessCode,
      hello: helloOf('secondary', 7555),
      identity: secondary,
      data: DATA.secondary,
      keepDataOf: 'primary',
      ...more,
    })
  const refusedWith = (code: string, reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof HotStandbyError)
    assert.equal(error.code, code)
    assert.match(error.message, reason)
    assert.ok(error.remedy.length > 10)
    return true
  }

  it('gives both sides what they need', async () => {
    const { accessCode, expiresAt } = await codes.make()
    assert.ok(Date.parse(expiresAt) - Date.now() > 590_000)
    const answer = await join(accessCode)
    assert.deepEqual(answer, {
      hello: helloOf('primary'),
      ...ANSWER,
      pairKey: PAIR_KEY,
      fingerprint: primary.fingerprint,
      address: '127.0.0.1',
      port: channel.server.port,
    })
    const sent = helloOf('secondary', 7555)
    const clockMs = asked[0]?.hello.facts.clockMs ?? 0
    assert.ok(Math.abs(Date.now() - clockMs) < 10_000, 'the clock is the one of the moment')
    assert.deepEqual(asked, [
      {
        hello: { ...sent, facts: { ...sent.facts, clockMs } },
        address: '127.0.0.1',
        fingerprint: secondary.fingerprint,
        preview: false,
        data: DATA.secondary,
        keepDataOf: 'primary',
      },
    ])
  })

  it('accepts a code as people type it', async () => {
    const { accessCode } = await codes.make()
    const typed = ` ${accessCode.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `
    assert.equal((await join(typed)).pairKey, PAIR_KEY)
  })

  it('looks without using the code up', async () => {
    const { accessCode } = await codes.make()
    assert.equal((await join(accessCode, { preview: true })).pairKey, null)
    assert.equal((await join(accessCode, { preview: true })).pairKey, null)
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  it('refuses a used code', async () => {
    const { accessCode } = await codes.make()
    await join(accessCode)
    await assert.rejects(join(accessCode), refusedWith('HS_ACCESS_CODE_REFUSED', /already used/))
    assert.equal(asked.length, 1)
  })

  it('refuses an expired code', async () => {
    const { accessCode } = await codes.make()
    now = 600_000
    await assert.rejects(join(accessCode), refusedWith('HS_ACCESS_CODE_REFUSED', /time is over/))
    assert.equal(asked.length, 0)
  })

  it('refuses a code that a newer one replaced', async () => {
    const { accessCode } = await codes.make()
    await codes.make()
    await assert.rejects(join(accessCode), refusedWith('HS_ACCESS_CODE_REFUSED', /newer/))
    assert.equal(asked.length, 0)
  })

  it('refuses a revoked code', async () => {
    const { accessCode } = await codes.make()
    codes.revoke()
    await assert.rejects(join(accessCode), { code: 'HS_ACCESS_CODE_REFUSED' })
  })

  it('refuses a wrong secret, tells the history, and repeats no code in a log', async () => {
    const { accessCode } = await codes.make()
    const other = createAccessCodes({ fingerprint: primary.fingerprint })
    const wrong = await other.make()
    await assert.rejects(join(wrong.accessCode), refusedWith('HS_ACCESS_CODE_REFUSED', /wrong/))
    assert.equal(asked.length, 0)
    assert.equal(refusals[0]?.remote, '127.0.0.1')
    const said = JSON.stringify([logger.lines, refusals])
    assert.ok(!said.includes(accessCode) && !said.includes(wrong.accessCode))
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  it('refuses a mistyped code before it connects', async () => {
    const { accessCode } = await codes.make()
    const first = accessCode.startsWith('A') ? 'B' : 'A'
    for (const typed of [first + accessCode.slice(1), accessCode.slice(1), 'no code!', ''])
      await assert.rejects(
        join(typed, { peer: '127.0.0.1:1' }),
        refusedWith('HS_ACCESS_CODE_REFUSED', /accessCode = \(not shown\)/),
      )
  })

  it('stops brute force, also for the right code, until a minute has passed', async () => {
    const { accessCode } = await codes.make()
    const other = createAccessCodes({ fingerprint: primary.fingerprint })
    const wrong = (await other.make()).accessCode
    for (let attempt = 0; attempt < 5; attempt += 1)
      await assert.rejects(join(wrong), { code: 'HS_ACCESS_CODE_REFUSED' })
    await assert.rejects(join(wrong), { code: 'HS_TOO_MANY_ATTEMPTS' })
    await assert.rejects(join(accessCode), { code: 'HS_TOO_MANY_ATTEMPTS' })
    assert.equal(asked.length, 0)
    assert.equal(channel.server.stats().refused.wrongAccessCode, 7)
    assert.equal(refusals.length, 1, 'strangers cannot flush the history')
    now = 60_000
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  it('gives the code back when the primary refuses', async () => {
    const { accessCode } = await codes.make()
    refuseWith = new HotStandbyError('HS_REQUIREMENTS_FAILED', { reason: 'another plan' })
    await assert.rejects(join(accessCode), refusedWith('HS_REQUIREMENTS_FAILED', /another plan/))
    await assert.rejects(join(accessCode), { code: 'HS_REQUIREMENTS_FAILED' })
    assert.equal(refusals.length, 2)
    refuseWith = null
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  it('lets one of two servers in that use a code at once', async () => {
    const { accessCode } = await codes.make()
    const third = await makeIdentity()
    const results = await Promise.allSettled([
      join(accessCode),
      join(accessCode, { identity: third }),
    ])
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.equal(asked.length, 1)
  })

  it('does not accept a proof on another connection or with another key', async () => {
    const { accessCode } = await codes.make()
    const { secret } = parseAccessCode(accessCode)
    const key = await deriveProofKey(secret, primary.fingerprint)
    const overheard = rawClient(channel, pairingAs(secondary))
    await new Promise((resolve) => overheard.socket.once('secureConnect', resolve))
    const proof = makeProof(key, {
      primaryFingerprint: primary.fingerprint,
      secondaryFingerprint: secondary.fingerprint,
      session: sessionBinding(overheard.socket),
    })
    overheard.socket.destroy()
    for (const identity of [secondary, await makeIdentity()]) {
      const { socket, closed } = rawClient(channel, pairingAs(identity))
      const body = JSON.stringify({
        proof,
        hello: helloOf('thief'),
        preview: false,
        data: DATA.secondary,
        keepDataOf: 'primary',
      })
      socket.write(
        `POST /pair HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
      assert.match((await closed).toString(), /403 [^]*HS_ACCESS_CODE_REFUSED/)
    }
    assert.equal(asked.length, 0)
  })

  it('sends nothing to a server that did not make the code', async () => {
    const impostor = await startChannel({
      pairing: { answer: () => Promise.reject(new Error('something was sent')) },
    })
    const { accessCode } = await codes.make()
    const peer = `127.0.0.1:${impostor.server.port}`
    await assert.rejects(
      join(accessCode, { peer }),
      refusedWith('HS_PEER_UNTRUSTED', /not the one that made the access code/),
    )
    assert.deepEqual(impostor.server.stats().refused, {})
    await impostor.server.close()
  })

  it('refuses its own code', async () => {
    const { accessCode } = await codes.make()
    await assert.rejects(
      join(accessCode, { identity: primary }),
      refusedWith('HS_ACCESS_CODE_REFUSED', /this server itself/),
    )
  })

  it('tells a port that is closed, silent, or not a hot standby agent', async () => {
    const { accessCode } = await codes.make()
    const silent = await listening(createServer((socket) => socket.on('error', () => undefined)))
    const http = await listening(
      createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad\r\n\r\n')),
    )
    const closedPort = await listening(createServer())
    await new Promise((resolve) => closedPort.server.close(resolve))
    const at = (port: number) =>
      join(accessCode, { peer: `127.0.0.1:${port}`, timeouts: { connectMs: 300 } })
    await assert.rejects(at(closedPort.port), refusedWith('HS_PEER_UNREACHABLE', /nothing listens/))
    await assert.rejects(at(silent.port), refusedWith('HS_PEER_UNREACHABLE', /says nothing/))
    await assert.rejects(
      at(http.port),
      refusedWith('HS_PEER_UNREACHABLE', /not a hot standby agent/),
    )
    silent.server.close()
    http.server.close()
    // The code was not touched by any of it.
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  it('names what is wrong with the address', async () => {
    const { accessCode } = await codes.make()
    for (const peer of ['', 'a b', 'host:0', 'host:99999', '[::1', '[host]:1', 'http://host'])
      await assert.rejects(join(accessCode, { peer }), refusedWith('HS_REQUEST_INVALID', /peer = /))
  })

  it('names the wrong fields of a hello', async () => {
    const { accessCode } = await codes.make()
    const hello = { ...helloOf('secondary'), serverId: 7 as never, port: 0 }
    await assert.rejects(
      join(accessCode, { hello, peer: `127.0.0.1:${channel.server.port}` }),
      refusedWith('HS_REQUEST_INVALID', /hello\.serverId = 7[^]*hello\.port = 0/),
    )
    assert.equal((await join(accessCode)).pairKey, PAIR_KEY)
  })

  function pairingAs(identity: TlsIdentity) {
    const ALPNProtocols = [SERVICES.pairing]
    return { key: identity.keyPem, cert: identity.certificatePem, ALPNProtocols }
  }
})

async function listening(server: Server): Promise<{ server: Server; port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port }
}
