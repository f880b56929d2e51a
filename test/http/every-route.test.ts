import assert from 'node:assert/strict'
import type { AgentApi } from '../../plugin/api/agent-api.ts'
import { ERRORS, HotStandbyError } from '../../plugin/errors.ts'
import { createHotStandby } from '../../plugin/index.ts'
import { BASE, CHANGES, PAGES, RANK, READS, useRoleClients } from '../support/plugin-routes.ts'
import { useWebPlatform } from '../support/web-platform.ts'
import { activeStatus, newStatus, pairedStatus } from '../support/web-status.ts'
import { unsentChange } from '../support/unsent-change.ts'

/** Files and redirections: what answers a GET and is neither page nor JSON API. */
const OTHERS = ['active', 'history.csv', 'history.json', 'metrics', 'stream']
/** What the pages ask of the agent beside its status. */
const ASKED_BY_PAGES = [
  ['take-over', 'previewLoss'],
  ['unsent', 'unsent'],
  ['history', 'events'],
  ['history.csv', 'events'],
  ['history.json', 'events'],
  ['notifications', 'notifications'],
] as const satisfies readonly (readonly [string, keyof AgentApi])[]

describe('every route of the plugin', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  const { client, send, token } = useRoleClients(web)

  beforeEach(async () => {
    web().agent.forget()
    web().agent.on('disable', () => Promise.resolve({ done: true }))
    await web().setStatus(pairedStatus())
  })

  it('is one of those that are tested here; those of the JSON API also where it is described', () => {
    const { router } = createHotStandby({ socketPath: '/nowhere' })
    const { stack } = router as unknown as { readonly stack: readonly Layer[] }
    const known = {
      get: [...PAGES, ...OTHERS].map((path) => `/${path}`),
      post: CHANGES.map(([path]) => `/${path}`),
    }
    const routes = stack.flatMap(({ route }) =>
      route === undefined || route.path.startsWith('/api/')
        ? []
        : Object.keys(route.methods).map((method) => ({ method, path: route.path })),
    )
    for (const method of ['get', 'post'] as const) {
      const found = routes.filter((each) => each.method === method).map(({ path }) => path)
      const tested = known[method].filter((path) => !path.startsWith('/api/'))
      assert.deepEqual([...new Set(found)].sort(), [...new Set(tested)].sort(), method)
    }
    assert.deepEqual([...new Set(routes.map(({ method }) => method))].sort(), ['get', 'post'])
  })

  for (const page of PAGES) {
    it(`shows /${page} to a viewer, and leads others to the log-in`, async () => {
      const answer = await client('viewer').get(`${BASE}/${page}`).expect(200)
      assert.match(answer.text, /Hot Standby/)
      assert.doesNotMatch(answer.text, /<script(?![^>]*src=)|style="|\son\w+="/)
      const anonymous = await fetch(`${web().url}${BASE}/${page}`, { redirect: 'manual' })
      assert.equal(anonymous.status, 303)
    })

    for (const [name, status] of [
      ['a server that is not set up', newStatus()],
      ['the active server', activeStatus()],
    ] as const)
      it(`shows /${page} of ${name}`, async () => {
        web().agent.setStatus(status)
        await client('admin').get(`${BASE}/${page}`).expect(200)
      })

    it(`says on /${page} that the agent does not answer, and shows nothing old`, async () => {
      await web().agent.stop()
      try {
        const answer = await client('viewer').get(`${BASE}/${page}`).expect(503)
        assert.match(answer.text, /The hot standby agent does not answer/)
        assert.match(answer.text, /systemctl start hot-standby-agent/)
        assert.doesNotMatch(answer.text, /192\.0\.2\.10\/24/)
      } finally {
        await web().agent.start()
      }
    })
  }

  for (const [path, call] of ASKED_BY_PAGES)
    for (const code of ['HS_PEER_UNREACHABLE', 'HS_DATABASE_UNREACHABLE'] as const)
      it(`says on /${path} what to do about ${code}`, async () => {
        web().agent.on(call, () => Promise.reject(new HotStandbyError(code)))
        const answer = await client('viewer').get(`${BASE}/${path}`).accept('html')
        assert.equal(answer.status, ERRORS[code].status)
        assertSays(answer.text, ERRORS[code].message)
        assertSays(answer.text, ERRORS[code].remedy)
      })

  for (const path of READS)
    it(`answers /api/${path} to a viewer`, () =>
      client('viewer').get(`${BASE}/api/${path}`).expect(200).expect('content-type', /json/))

  for (const [path, body, needed, call] of CHANGES) {
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const may = RANK[role] >= RANK[needed]
      it(`${may ? 'lets' : 'does not let'} ${role} post /${path}`, async () => {
        const answer = await send(role, path, body)
        const asked = web().agent.calls.filter((each) => each.name === call)
        if (!may) {
          assert.equal(answer.status, 403)
          assert.deepEqual(asked, [])
          return
        }
        assert.notEqual(answer.status, 403)
        if (path === 'set-up') return // an empty form is refused by the page's own checks below
        assert.ok(answer.status < 400, `${answer.status} ${answer.text.slice(0, 300)}`)
        assert.equal(asked[0]?.actor, role)
      })
    }

    it(`refuses /${path} without the CSRF token, and with one of another browser`, async () => {
      for (const wrong of ['', token('viewer')]) {
        const answer = await client('admin')
          .post(`${BASE}/${path}`)
          .set('x-hot-standby-csrf', wrong)
          .send(body)
        assert.equal(answer.status, 403)
        assert.match(answer.text, /form is out of date/)
      }
      assert.deepEqual(
        web().agent.calls.filter((each) => each.name === call),
        [],
      )
    })
  }

  for (const [path, body, needed, call] of CHANGES) {
    it(`says on /${path} that the agent does not answer, and that nothing was done`, async () => {
      await web().agent.stop()
      try {
        const answer = await send(needed, path, body)
        assert.equal(answer.status, 503, answer.text.slice(0, 300))
        assert.match(answer.text, /The hot standby agent does not answer/)
        assert.match(answer.text, /systemctl start hot-standby-agent/)
      } finally {
        await web().agent.start()
      }
    })

    for (const code of ['HS_PEER_UNREACHABLE', 'HS_DATABASE_UNREACHABLE'] as const)
      it(`passes on from /${path} that it could not be done: ${code}`, async () => {
        if (path === 'set-up') return // an empty form does not come as far as the agent
        web().agent.on(call, () => Promise.reject(new HotStandbyError(code)))
        const answer = await send(needed, path, body)
        assert.equal(answer.status, ERRORS[code].status, answer.text.slice(0, 300))
        assertSays(answer.text, ERRORS[code].message)
        assertSays(answer.text, ERRORS[code].remedy)
      })

    it(`takes no nonsense at /${path}`, async () => {
      const names = [...Object.keys(body), 'wait', 'confirm', 'typed', '__proto__', 'constructor']
      const nonsense = [
        `"><img src=x onerror="alert(1)">{{{`,
        '\u0000\uffff',
        '-1e999',
        'x'.repeat(9000),
      ]
      for (const value of nonsense)
        for (const given of [value, [value, value]]) {
          const answer = await send(
            needed,
            path,
            Object.fromEntries(names.map((name) => [name, given])),
          )
          assert.ok(answer.status < 500, `${answer.status} ${answer.text.slice(0, 300)}`)
          const isPage = String(answer.headers['content-type']).startsWith('text/html')
          assert.ok(!isPage || !answer.text.includes('<img'), answer.text.slice(0, 300))
        }
    })
  }

  for (const [name, status] of [
    ['standby', pairedStatus()],
    ['active', activeStatus()],
    ['new', newStatus()],
    ['waiting', activeStatus({ setUp: 'waitingForPeer', peer: null })],
  ] as const)
    it(`has on the pages of a ${name} server only forms that need no script`, async () => {
      web().agent.setStatus(status)
      web().agent.on('unsent', () => Promise.resolve({ changes: [unsentChange()] }))
      const changes = new Set<string>(CHANGES.map(([path]) => path))
      for (const page of [...PAGES, 'notifications?template=default']) {
        const { text } = await client('admin').get(`${BASE}/${page}`).expect(200)
        const ours = /<div class="hs [\s\S]*?<\/main>/.exec(text)?.[0] ?? ''
        for (const [form, attributes] of ours.matchAll(/<form ([^>]*)>[\s\S]*?<\/form>/g)) {
          // While paired, what would break the pair is shown and cannot be sent.
          const isFrozen = /<fieldset[^>]* disabled/.test(form)
          assert.ok(isFrozen || /<button/.test(form), `${page} has a form that nobody can send`)
          if (isFrozen || !/method="post"/.test(attributes!)) continue
          assert.match(form, /name="_hs_csrf" value="[^"]{20,}"/, page)
          for (const [, to] of form.matchAll(/(?:form)?action="([^"]*)"/g))
            assert.ok(changes.has(to!.slice(BASE.length + 1)), `${page} posts to ${to}`)
        }
        // A button outside of a form does something only with a script.
        const outside = ours.replace(/<form [\s\S]*?<\/form>/g, '')
        assert.doesNotMatch(outside, /<button/, page)
      }
    })
})

/** A page escapes what JSON does not. */
function assertSays(text: string, sentence: string): void {
  const plain = text
    .replace(/&quot;/g, '"')
    .replace(/&#x27;/g, "'")
    .replace(/&#x60;/g, '`')
    .replace(/<\/?code>/g, '`')
  assert.ok(plain.includes(sentence), `${sentence} is not in ${text.slice(-1500)}`)
}

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> }
}
