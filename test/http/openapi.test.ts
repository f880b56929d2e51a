import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { createHotStandby } from '../../plugin/index.ts'
import { openApiDocument } from '../../scripts/openapi-document.ts'
import { OPERATIONS, type Operation } from '../../scripts/openapi-operations.ts'
import { BASE, type Role, useRoleClients } from '../support/plugin-routes.ts'
import { useWebPlatform } from '../support/web-platform.ts'
import { activeStatus, historyEntry, newStatus, pairedStatus } from '../support/web-status.ts'

const document = openApiDocument()

/** What each call is given; the others take nothing. */
const BODIES: Readonly<Record<string, object>> = {
  '/api/join': { peer: '192.0.2.1', accessCode: 'HS1-4F7K-9QXM-2TRD' },
  '/api/join/preview': { peer: '192.0.2.1', accessCode: 'HS1-4F7K-9QXM-2TRD' },
  '/api/wait': { for: 'active', timeoutMs: 10 },
  '/api/take-over': { force: true, wait: false },
  '/api/check': { repair: true },
  '/api/notifications/preview': {
    name: 'default',
    template: { subject: '{{title}}', text: '{{reason}}', html: '' },
  },
  '/api/maintenance': { on: true, durationMs: 900_000 },
  '/api/automatic': { on: true },
  '/api/unsent': { how: 'discard', all: true },
}

describe('the description of the JSON API', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addSchema(document, 'api')
  const { client, token } = useRoleClients(web)
  beforeEach(async () => {
    web().agent.forget()
    web().agent.on('events', () => Promise.resolve({ events: [historyEntry(1)] }))
    web().agent.on('disable', () => Promise.resolve({ done: true }))
    await web().setStatus(pairedStatus())
  })
  const call = ({ method, path }: Operation, role: Role, body: object) => {
    const request = client(role)[method](`${BASE}${path}`)
    return method === 'get' ? request : request.set('x-hot-standby-csrf', token(role)).send(body)
  }
  const validator = (name: string): ValidateFunction => {
    const found = ajv.getSchema(`api#/components/schemas/${name}`)
    assert.ok(found, `there is no schema ${name}`)
    return found
  }
  const demand = (name: string, value: unknown): void => {
    const validate = validator(name)
    assert.ok(validate(value), JSON.stringify(validate.errors?.slice(0, 3)))
  }

  it('has every route of the router that answers JSON, and no other', () => {
    const { router } = createHotStandby({ socketPath: '/nowhere' })
    const layers = (router as unknown as { readonly stack: readonly Layer[] }).stack
    const routes = layers.flatMap(({ route }) =>
      route?.path.startsWith('/api/') === true
        ? Object.keys(route.methods).map((method) => `${method} ${route.path}`)
        : [],
    )
    assert.ok(routes.length > 10)
    const described = OPERATIONS.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(routes.sort(), [...described].sort())
  })

  for (const operation of OPERATIONS) {
    const { answer, method, path, permission } = operation
    const body = BODIES[path] ?? {}

    it(`says what ${method} ${path} answers, and who may ask`, async () => {
      const needed = ({ view: 'viewer', operate: 'operator', configure: 'admin' } as const)[
        permission
      ]
      const response = await call(operation, needed, body)
      assert.equal(response.status, 200, response.text)
      demand(answer, response.body)
      if (needed === 'viewer') return
      const refused = await call(operation, needed === 'admin' ? 'operator' : 'viewer', body)
      assert.equal(refused.status, 403)
      demand('ErrorAnswer', refused.body)
    })

    it(`says how ${method} ${path} answers when the agent is down`, async () => {
      if (path === '/api/csrf') return
      await web().agent.stop()
      try {
        const response = await call(operation, 'admin', body)
        assert.equal(response.status, 503)
        demand('ErrorAnswer', response.body)
      } finally {
        await web().agent.start()
      }
    })

    if (method === 'post')
      it(`says what ${path} takes, and the agent takes nothing else`, async () => {
        const operations = document['paths'] as Readonly<Record<string, PathItem>>
        const schema = operations[path]?.post.requestBody.content['application/json'].schema
        const validate = ajv.compile(schema ?? false)
        const strange = { ...body, strange: 1 }
        assert.ok(validate(body), JSON.stringify(validate.errors))
        assert.equal(validate(strange), false)
        const response = await call(operation, 'admin', strange)
        assert.equal(response.status, TAKES_NOTHING.has(path) ? 200 : 400, response.text)
      })
  }

  for (const [name, status] of [
    ['a standby', pairedStatus()],
    ['an active server', activeStatus()],
    ['a new server', newStatus()],
  ] as const)
    it(`fits the status of ${name}`, () => demand('StatusDocument', status))

  it('would notice an answer that it does not describe', () => {
    const validate = validator('StatusDocument')
    assert.equal(validate({ ...pairedStatus(), strange: 1 }), false)
    assert.equal(validate({ ...pairedStatus(), health: undefined }), false)
  })
})

/** Whatever is sent with these is not passed on. */
const TAKES_NOTHING = new Set(['/api/access-code', '/api/switchover/cancel'])

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> }
}

interface PathItem {
  readonly post: {
    readonly requestBody: {
      readonly content: { readonly 'application/json': { readonly schema: object } }
    }
  }
}
