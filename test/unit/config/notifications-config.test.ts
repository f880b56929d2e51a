import assert from 'node:assert/strict'
import { parseAgentConfig } from '../../../plugin/config/agent-config.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'

const config = (notifications: object) =>
  parseAgentConfig(
    {
      stateDirectory: 'state',
      database: { url: 'postgres://replicator@localhost/pbx' },
      network: { interface: 'eth0' },
      platform: { factsCommand: ['facts'] },
      notifications,
    },
    '/etc/hot-standby',
  ).notifications

const problems = (notifications: object): readonly string[] => {
  try {
    config(notifications)
    return []
  } catch (error) {
    assert.ok(error instanceof HotStandbyError && error.code === 'HS_CONFIG_INVALID')
    return (error.details.fields ?? []).map(({ field, message }) => `${field} ${message}`)
  }
}

describe('notifications in the configuration file', () => {
  it('are complete without anything given', () => {
    const { mail, webhook, syslog } = config({})
    assert.deepEqual([mail, webhook, syslog], ['smtp', undefined, undefined])
  })

  it('take their files from the folder of the configuration file', () => {
    const { webhook, syslog } = config({
      webhook: { url: 'https://example.com/hook', secretFile: 'secret', caFile: '/ca.pem' },
      syslog: { transport: 'unix', path: 'log.sock' },
    })
    assert.deepEqual(
      [webhook?.secretFile, webhook?.caFile, webhook?.timeoutMs, webhook?.levels.length],
      ['/etc/hot-standby/secret', '/ca.pem', 10_000, 3],
    )
    assert.deepEqual([syslog?.path, syslog?.port], ['/etc/hot-standby/log.sock', 514])
  })

  it('are refused with field and remedy when they are wrong', () => {
    const file = { secretFile: 'secret' }
    for (const url of ['ftp://example.com', 'example.com/hook', 'file:///etc/passwd', ''])
      assert.match(problems({ webhook: { ...file, url } }).join(), /webhook.url is not an address/)
    assert.match(
      problems({ webhook: { ...file, url: 'https://user:secret@example.com' } }).join(),
      /webhook.url has a user name/,
    )
    assert.match(problems({ webhook: { url: 'https://x.example' } }).join(), /secretFile/)
    assert.match(problems({ syslog: {} }).join(), /syslog needs `host`/)
    assert.match(problems({ syslog: { transport: 'unix', host: 'x' } }).join(), /syslog needs/)
    assert.match(problems({ mail: 'pigeon' }).join(), /mail is not a sender/)
    assert.match(problems({ pager: {} }).join(), /pager/)
    assert.match(problems({ syslog: { host: 'x', levels: [] } }).join(), /levels is empty/)
  })
})
