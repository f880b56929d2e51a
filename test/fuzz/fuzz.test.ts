import assert from 'node:assert/strict'
import { runCampaign } from './campaign.ts'
import { ClusterPool } from './cluster-pool.ts'

/** A short run across versions in every test run; `npm run test:fuzz` is the long one. */
const BATCHES = 150

describe('convergence fuzzer', function () {
  this.timeout(240_000)
  const pool = new ClusterPool()

  after(async function () {
    this.timeout(60_000)
    await pool.destroy()
  })

  it('finds every cut exact while concurrent writers do everything that SQL has', async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))
    console.log(`      SEED=${seed}`)
    const report = await runCampaign({
      active: { cluster: await pool.get(15, 'active', true), major: 15 },
      standby: { cluster: await pool.get(18, 'standby', false), major: 18 },
      seed,
      batches: BATCHES,
      prepared: true,
    })
    assert.ok(report.batches >= BATCHES)
    assert.ok(report.tables > BATCHES * 15, `only ${report.tables} tables were compared`)
    assert.ok(report.writers.prepared > 0)
    assert.ok(report.writers.committed > BATCHES)
  })
})
