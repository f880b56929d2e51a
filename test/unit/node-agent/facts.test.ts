import assert from 'node:assert/strict'
import { silentLogger } from '../../../plugin/logger.ts'
import { createFactsSource } from '../../../plugin/node-agent/facts.ts'
import { helloOf } from '../../support/channel.ts'

describe('the facts of this server', () => {
  const { facts } = helloOf('server-a')

  it('are read again when they expire while they are read', async () => {
    let fingerprint = 'before'
    let reads = 0
    let isBeingRead = (): void => undefined
    const reading = new Promise<void>((resolve) => (isBeingRead = resolve))
    let goOn = (): void => undefined
    const held = new Promise<void>((resolve) => (goOn = resolve))
    const source = createFactsSource(
      () => Promise.resolve(facts),
      {
        async databaseFacts() {
          const found = { ...facts, schemaFingerprint: fingerprint }
          reads += 1
          isBeingRead()
          await held
          return found
        },
      },
      () => Promise.resolve(0),
      silentLogger,
    )
    const read = source.read()
    await reading
    fingerprint = 'after'
    source.expire()
    goOn()
    assert.equal((await read).schemaFingerprint, 'after')
    assert.equal((await source.read()).schemaFingerprint, 'after')
    assert.equal(reads, 2)
  })
})
