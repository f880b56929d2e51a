import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAgentConfig } from '../../../plugin/config/agent-config.ts'
import { checkSecrets } from '../../../plugin/cli/doctor/check-secrets.ts'

describe('doctor: files with secrets', () => {
  let folder = ''
  const check = (notifications: object = {}) =>
    checkSecrets(
      parseAgentConfig(
        {
          stateDirectory: 'state',
          database: { url: 'postgres://replicator@localhost/pbx', passwordFile: 'password' },
          network: { interface: 'eth0' },
          platform: { factsCommand: ['facts'] },
          notifications,
        },
        folder,
      ),
    )

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-secrets-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('are named when they are missing, or open to others', async () => {
    const webhook = { url: 'https://example.com', secretFile: 'webhook' }
    const missing = await check()
    assert.equal(missing.result, 'failed')
    assert.match(missing.detail, /database\.passwordFile .*password: ENOENT/)
    await writeFile(join(folder, 'password'), 'a secret of tests', { mode: 0o600 })
    assert.equal((await check()).result, 'ok')
    await writeFile(join(folder, 'webhook'), 'a secret of tests', { mode: 0o640 })
    const open = await check({ webhook })
    assert.equal(open.result, 'warning')
    assert.match(open.remedy ?? '', /chmod 0600 .*webhook$/)
    await chmod(join(folder, 'webhook'), 0o600)
    const well = await check({ webhook })
    assert.deepEqual([well.result, well.detail], ['ok', '2, for the agent alone'])
    for (const { detail, remedy } of [missing, open, well])
      assert.doesNotMatch(`${detail} ${remedy}`, /a secret of tests/)
  })
})
