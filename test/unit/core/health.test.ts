import assert from 'node:assert/strict'
import { blockersOf, type BlockerInput } from '../../../plugin/core/blockers.ts'
import { healthOf, type HealthInput } from '../../../plugin/core/health.ts'

const healthy: HealthInput = {
  setUp: 'paired',
  state: 'active',
  role: 'active',
  peer: { heard: true, role: 'standby' },
  inSync: true,
  synchronising: false,
  blockers: [],
  troubles: [],
}
const trouble = { reason: 'no reference address answers', remedy: 'Check the gateway.' }

describe('healthOf', () => {
  const cases: readonly (readonly [string, Partial<HealthInput>])[] = [
    ['healthy', {}],
    ['notSetUp', { setUp: 'notSetUp' }],
    ['notSetUp', { setUp: 'waitingForPeer', state: 'unpaired' }],
    ['notProtected', { peer: { heard: false, role: 'standby' } }],
    ['notProtected', { peer: { heard: true, role: 'fault' } }],
    ['notProtected', { state: 'fault', role: 'fault' }],
    ['notProtected', { inSync: false }],
    ['notProtected', { blockers: [trouble] }],
    ['synchronising', { inSync: false, synchronising: true }],
    ['degraded', { troubles: [trouble] }],
    ['takingOver', { state: 'claiming', role: 'standby' }],
    ['takingOver', { state: 'standby', role: 'standby', peer: { heard: true, role: 'standby' } }],
    ['split', { peer: { heard: true, role: 'active' } }],
  ]
  for (const [word, changed] of cases)
    it(`says ${word} for ${JSON.stringify(changed)}`, () => {
      const health = healthOf({ ...healthy, ...changed })
      assert.equal(health.word, word)
      assert.ok(health.meaning.length > 10 && health.action.length > 3)
    })
})

const fine: BlockerInput = {
  paired: true,
  role: 'active',
  peerHeard: true,
  peerRole: 'standby',
  standby: {
    inSync: true,
    databaseUp: true,
    diskWritable: true,
    carrierUp: true,
    referenceReachable: true,
    syncReason: null,
  },
  maintenance: false,
  automatic: 'on',
  quarantinedTables: [],
  requirements: [],
}

describe('blockersOf', () => {
  it('finds none in a pair that works', () => {
    assert.deepEqual(blockersOf(fine), [])
  })

  it('names each with a remedy', () => {
    const requirement = {
      id: 'samePlan',
      title: 'Same plan',
      met: false,
      mandatory: true,
      own: 'a',
      peer: 'b',
      remedy: 'Buy.',
    } as const
    const blockers = blockersOf({
      ...fine,
      peerRole: 'fault',
      standby: {
        inSync: false,
        databaseUp: false,
        diskWritable: false,
        carrierUp: false,
        referenceReachable: false,
        syncReason: 'copying',
      },
      maintenance: true,
      quarantinedTables: ['public.trunk'],
      requirements: [requirement, { ...requirement, id: 'samePackageVersion', mandatory: false }],
    })
    assert.deepEqual(
      blockers.map((blocker) => blocker.id),
      [
        'peerFault',
        'standbyDiskFailed',
        'standbyDatabaseDown',
        'notInSync',
        'noCarrier',
        'referenceUnreachable',
        'maintenance',
        'quarantinedTables',
        'requirement:samePlan',
      ],
    )
    assert.ok(blockers.every((blocker) => blocker.remedy.length > 0))
  })
})
