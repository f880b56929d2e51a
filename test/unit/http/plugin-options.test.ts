import assert from 'node:assert/strict'
import { parsePluginOptions } from '../../../plugin/config/plugin-options.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'

const WRONG: readonly (readonly [string, unknown])[] = [
  ['socketPath', ''],
  ['socketPath', () => '/run/agent.sock'],
  ['socketPath', undefined],
  ['authorize', true],
  ['actor', 'admin'],
  ['layout', {}],
  ['activeUrl', 'http://pbx/'],
  ['basePath', 'system/hot-standby'],
  ['basePath', '/system/'],
  ['basePath', '//elsewhere'],
  ['colourScheme', 'pink'],
  ['csrfSecret', 'hush'],
  ['agentTimeoutMs', 1.5],
  ['agentTimeoutMs', 99],
  ['databaseSchema', ''],
  ['databaseSchema', 'x'.repeat(64)],
  ['authorise', () => true],
]

describe('the options of the plugin', () => {
  for (const [field, value] of WRONG)
    it(`refuse ${field} = ${typeof value === 'function' ? 'a function' : JSON.stringify(value)}`, () => {
      const input = { socketPath: '/run/agent.sock', [field]: value }
      assert.throws(
        () => parsePluginOptions(input),
        (error) => {
          assert.ok(error instanceof HotStandbyError)
          assert.equal(error.code, 'HS_CONFIG_INVALID')
          const problem = error.details.fields?.find((each) => each.field === field)
          assert.ok(problem, `the error names ${field}`)
          assert.notEqual(problem.remedy, '')
          assert.doesNotMatch(error.message, /hush/)
          return true
        },
      )
    })

  it('name every wrong field at once', () => {
    assert.throws(
      () => parsePluginOptions({ socketPath: '', agentTimeoutMs: -1 }),
      /socketPath.*agentTimeoutMs/,
    )
  })

  it('are complete and frozen', () => {
    const options = parsePluginOptions({ socketPath: '/run/agent.sock' })
    assert.equal(options.basePath, '/system/hot-standby')
    assert.equal(options.authorize, null)
    assert.ok(Object.isFrozen(options))
  })

  for (const [address, host, url] of [
    ['192.0.2.10', 'pbx-1', 'http://192.0.2.10/'],
    ['192.0.2.10', 'pbx-1:8080', 'http://192.0.2.10:8080/'],
    ['192.0.2.10:9090', 'pbx-1:8080', 'http://192.0.2.10:9090/'],
    ['fd00::10', '[fd00::1]:8080', 'http://[fd00::10]:8080/'],
    ['[fd00::10]:9090', 'pbx-1', 'http://[fd00::10]:9090/'],
  ] as const)
    it(`lead from ${host} to ${url}`, () => {
      const { activeUrl } = parsePluginOptions({ socketPath: '/run/agent.sock' })
      const request = { protocol: 'http', get: () => host }
      assert.equal(activeUrl(address, request as never), url)
    })
})
