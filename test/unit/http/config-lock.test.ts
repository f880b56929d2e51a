import assert from 'node:assert/strict'
import type { Request, Response } from 'express'
import { type ConfigLockPorts, createConfigLock } from '../../../hooks/config-lock.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { silentLogger } from '../../../plugin/logger.ts'
import { activeStatus, newStatus, pairedStatus } from '../../support/web-status.ts'

/** Passes one request through a lock with these ports; null when it was let through. */
async function pass(
  ports: Partial<ConfigLockPorts>,
  method = 'POST',
): Promise<HotStandbyError | null> {
  return new Promise((resolve, reject) => {
    const lock = createConfigLock({
      status: () => Promise.reject(new Error('no agent')),
      freshStatus: ports.status ?? (() => Promise.reject(new Error('no agent'))),
      lastStatus: () => null,
      isPairedInDatabase: null,
      serviceLeaseMs: () => Promise.resolve(0),
      turns: { enter: () => Promise.resolve('go') },
      redirect: () => false,
      recordRefusal: () => Promise.reject(new Error('no agent')),
      actor: () => null,
      refuse: (_request, _response, error) => {
        resolve(error)
        return Promise.resolve()
      },
      logger: silentLogger,
      ...ports,
    })
    const request = { method, originalUrl: '/settings?x=1' } as unknown as Request
    lock(request, {} as unknown as Response, (error?: Error | string) => {
      if (error === undefined) resolve(null)
      else reject(new Error(String(error)))
    })
  })
}

const standby = () => Promise.resolve(pairedStatus())

describe('the configuration lock', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    it(`lets ${method} pass on a standby`, async () => {
      assert.equal(await pass({ status: standby }, method), null)
    })

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
    it(`refuses ${method} on a standby`, async () => {
      const error = await pass({ status: standby }, method)
      assert.equal(error?.code, 'HS_CONFIG_LOCKED')
      assert.deepEqual(error.details['reasons'], ['this server is standby'])
    })

  it('lets the active server be configured', async () => {
    assert.equal(await pass({ status: () => Promise.resolve(activeStatus()) }), null)
  })

  it('asks once more before it refuses: the server may have become active just now', async () => {
    const freshStatus = () => Promise.resolve(activeStatus())
    assert.equal(await pass({ status: standby, freshStatus }), null)
    const gone = () => Promise.reject(new Error('no agent'))
    const refused = await pass({ status: standby, freshStatus: gone, lastStatus: pairedStatus })
    assert.match(refused?.message ?? '', /does not answer/)
  })

  it('refuses without the agent when the server was paired, though it was active', async () => {
    const error = await pass({ lastStatus: () => activeStatus() })
    assert.match(error?.message ?? '', /does not answer/)
    assert.equal(error?.details['activeAddress'], '192.0.2.10')
  })

  it('lets changes wait for an agent that is started again, as long as the server may serve', async () => {
    let looks = 0
    const steps = [
      () => Promise.reject(new Error('no agent')),
      () => Promise.resolve(pairedStatus({ server: { ...pairedStatus().server, state: 'boot' } })),
      () => Promise.resolve(activeStatus()),
    ]
    const status = () => steps[Math.min(looks++, steps.length - 1)]!()
    const ports = { status, lastStatus: () => activeStatus() }
    assert.equal(await pass({ ...ports, serviceLeaseMs: () => Promise.resolve(1000) }), null)
    looks = 0
    assert.equal((await pass(ports))?.code, 'HS_CONFIG_LOCKED', 'without a lease')
  })

  it('refuses what waited when the lease ends and the agent has not come back', async () => {
    const leases = [2000, 1000, 0]
    const serviceLeaseMs = () => Promise.resolve(leases.shift() ?? 0)
    const error = await pass({ lastStatus: () => activeStatus(), serviceLeaseMs })
    assert.match(error?.message ?? '', /does not answer/)
    assert.deepEqual(leases, [])
  })

  for (const state of ['claiming', 'takingOver'] as const)
    it(`lets changes wait while this server becomes active (${state})`, async () => {
      const becoming = pairedStatus({ server: { ...pairedStatus().server, state } })
      const steps = [becoming, becoming, becoming, activeStatus()]
      const status = () => Promise.resolve(steps.length > 1 ? steps.shift()! : steps[0]!)
      assert.equal(await pass({ status }), null)
      const givenUp = [becoming, becoming, pairedStatus()]
      const failed = () => Promise.resolve(givenUp.length > 1 ? givenUp.shift()! : givenUp[0]!)
      assert.equal((await pass({ status: failed }))?.code, 'HS_CONFIG_LOCKED')
      assert.equal(givenUp.length, 1)
    })

  it('refuses at once on a standby, whatever a lease says', async () => {
    const serviceLeaseMs = () => Promise.resolve(5000)
    assert.equal((await pass({ status: standby, serviceLeaseMs }))?.code, 'HS_CONFIG_LOCKED')
  })

  it('opens without the agent when the server was in no pair', async () => {
    assert.equal(await pass({ lastStatus: () => newStatus() }), null)
  })

  it('asks the database when nothing is known of the agent', async () => {
    assert.equal(await pass({ isPairedInDatabase: () => Promise.resolve(false) }), null)
    const paired = await pass({ isPairedInDatabase: () => Promise.resolve(true) })
    assert.match(paired?.message ?? '', /belongs to a pair/)
  })

  it('refuses when neither agent nor database can say', async () => {
    const down = await pass({ isPairedInDatabase: () => Promise.reject(new Error('down')) })
    assert.match(down?.message ?? '', /neither the hot standby agent nor the database/)
    assert.match((await pass({}))?.message ?? '', /since this process started/)
  })
})
