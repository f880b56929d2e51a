import assert from 'node:assert/strict'
import { HotStandbyError } from '../../../plugin/errors.ts'
import { createConfirmations } from '../../../plugin/node-agent/confirmations.ts'

describe('confirmation of saves', () => {
  const late = (): Promise<void> => Promise.reject(new HotStandbyError('HS_TIMEOUT'))
  const inTime = (): Promise<void> => Promise.resolve()

  it('is told once when it is late and once when it has been in time for a minute, however many save', async () => {
    const told: string[] = []
    let now = 0
    const saves = createConfirmations(
      {
        record: ({ kind }) => {
          told.push(kind)
        },
      },
      () => now,
    )
    await saves.watch(inTime)
    assert.deepEqual(told, [])
    for (now = 1000; now < 50_000; now += 1000) {
      await assert.rejects(saves.watch(late), { code: 'HS_TIMEOUT' })
      await saves.watch(inTime)
    }
    assert.deepEqual(told, ['savesUnconfirmed'])
    now += 60_000
    await saves.watch(inTime)
    await saves.watch(inTime)
    assert.deepEqual(told, ['savesUnconfirmed', 'savesConfirmed'])
    await assert.rejects(saves.watch(late))
    assert.deepEqual(told.length, 3)
  })
})
