import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Everything that the tarball may hold. */
const ALLOWED = [
  /^package\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^examples\/systemd\/[\w-]+\.service$/,
  /^docs\/(guide|reference|internals|decisions)\/[\w-]+\.md$/,
  /^dist\/(plugin|hooks)\/[\w/-]+\.(js|d\.ts)$/,
  /^dist\/plugin\/http\/assets\/[\w.-]+\.(css|js|svg)$/,
  /^dist\/migrations\/[\w-]+\.(js|d\.ts|sql)$/,
  /^dist\/plugin\/replication\/[\w/-]+\.sql$/,
  /^dist\/views\/[\w/.-]+\.(hbs|css|js|svg)$/,
  /^dist\/plugin\/http\/locales\/[\w.-]+\.json$/,
  /^docs\/reference\/openapi\.json$/,
]

/** What must not be missing. */
const NEEDED = [
  'dist/plugin/index.js',
  'dist/plugin/index.d.ts',
  'dist/plugin/cli/main.js',
  'dist/migrations/0001_journal.sql',
  'dist/plugin/agent/virtual-ip/listener-holder.js',
  'dist/plugin/http/locales/en.json',
  'dist/plugin/http/locales/de.json',
  'examples/systemd/hot-standby-agent.service',
  'README.md',
  'LICENSE',
]

describe('The npm package', function () {
  this.timeout(240_000)

  let folder = ''
  let project = ''
  let packed: readonly string[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-package-'))
    project = join(folder, 'project')
    await mkdir(project)
    packed = await packInto(folder)
    const tarball = (await readText(join(folder, 'tarball'))).trim()
    await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }')
    await run(project, 'npm', [
      'install',
      ...NPM_FLAGS,
      '--prefer-offline',
      join(folder, tarball),
      'express@5',
      'knex@3',
    ])
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('holds what it needs and nothing else', () => {
    const unexpected = packed.filter((path) => !ALLOWED.some((allowed) => allowed.test(path)))
    assert.deepEqual(unexpected, [])
    assert.deepEqual(
      NEEDED.filter((path) => !packed.includes(path)),
      [],
    )
    assert.ok(
      packed.some((path) => path.endsWith('.hbs')),
      'the views are there',
    )
  })

  it('can be imported', async () => {
    const script =
      "import { createHotStandby } from 'pbx-hot-standby'; console.log(typeof createHotStandby)"
    await writeFile(join(project, 'imports.mjs'), script)
    assert.equal((await run(project, process.execPath, ['imports.mjs'])).out.trim(), 'function')
  })

  it('can be required', async () => {
    const script = "console.log(typeof require('pbx-hot-standby').createHotStandby)"
    await writeFile(join(project, 'requires.cjs'), script)
    assert.equal((await run(project, process.execPath, ['requires.cjs'])).out.trim(), 'function')
  })

  it('has types that a strict project compiles against', async () => {
    const text = `import { createHotStandby } from 'pbx-hot-standby'\nexport const create: typeof createHotStandby = createHotStandby\n`
    await writeFile(join(project, 'types.ts'), text)
    await mkdir(join(project, 'node_modules/@types'), { recursive: true })
    for (const name of [
      'express',
      'express-serve-static-core',
      'node',
      'qs',
      'serve-static',
      'send',
      'http-errors',
      'mime',
      'body-parser',
      'connect',
      'range-parser',
      'pg',
    ])
      await linkTypes(project, name)
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
      '--skipLibCheck',
      'types.ts',
    ]
    const compiled = await run(project, process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...flags,
    ])
    assert.equal(compiled.status, 0, compiled.out)
  })

  it('brings the command hot-standby', async () => {
    const help = await run(project, 'npx', ['--no-install', 'hot-standby', '--help'])
    assert.equal(help.status, 0)
    for (const command of ['migrate', 'agent', 'doctor', 'setup', 'join', 'take-over'])
      assert.match(help.out, new RegExp(`^ {2}${command}\\b`, 'mu'))
    const version = await run(project, 'npx', ['--no-install', 'hot-standby', '--version'])
    const { version: expected } = JSON.parse(await readText(join(ROOT, 'package.json'))) as {
      version: string
    }
    assert.equal(version.out.trim(), expected)
  })

  it('ends with status 2 for a wrong command, and with 1 and every wrong field for a wrong file', async () => {
    const wrong = await run(project, 'npx', ['--no-install', 'hot-standby', 'take-of'])
    assert.equal(wrong.status, 2)
    await writeFile(join(project, 'wrong.json'), '{ "stateDirectory": "", "colour": "red" }')
    const agent = await run(project, 'npx', [
      '--no-install',
      'hot-standby',
      '--config',
      'wrong.json',
      'agent',
    ])
    assert.equal(agent.status, 1)
    for (const field of ['stateDirectory', 'colour', 'database', 'network', 'platform'])
      assert.match(agent.err, new RegExp(`^ {2}${field} = `, 'mu'))
    assert.doesNotMatch(agent.err, /^\s+at /mu)
  })

  it('runs the built agent, which tells that its database is not there, until SIGTERM', async () => {
    await writeFile(join(project, 'good.json'), JSON.stringify(GOOD_CONFIG))
    const command = [join(project, 'node_modules/.bin/hot-standby'), '--config', 'good.json']
    const agent = spawn(process.execPath, [...command, 'agent'], {
      cwd: project,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    agent.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    const ended = once(agent, 'exit')
    try {
      let status = { status: 1, out: '', err: '' }
      await waitUntil(
        'the agent answers',
        async () => {
          assert.equal(agent.exitCode, null, log)
          status = await run(project, process.execPath, [...command, '--json', 'status'])
          return status.status === 0
        },
        60_000,
      )
      const document = JSON.parse(status.out) as { server: { databaseUp: boolean } }
      assert.equal(document.server.databaseUp, false)
    } finally {
      agent.kill('SIGTERM')
    }
    assert.deepEqual(await ended, [0, null], log)
  })
})

const NPM_FLAGS = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save']

/** Port 1 has no PostgreSQL on any machine. */
const GOOD_CONFIG = {
  stateDirectory: 'state',
  listen: { address: '127.0.0.1', port: 17421 },
  database: { url: 'postgres://hot_standby@127.0.0.1:1/pbx' },
  network: {
    interface: 'lo',
    driver: 'listener',
    forward: [{ port: 18080, to: '127.0.0.1:8080' }],
  },
  platform: {
    facts: {
      productName: 'Example PBX',
      serialNumber: 'EX-1',
      plan: 'Enterprise',
      firmwareVersion: '83.6.0.24',
      capacity: { extensions: 1, concurrentCalls: 1 },
      network: {
        interfaceName: 'lo',
        address: '127.0.0.1',
        prefixLength: 8,
        family: 'ipv4',
        isStatic: true,
        isDefault: true,
        kind: 'lan',
      },
    },
  },
}

/** Packs a copy of the tree, so that `prepack` builds there and the working tree stays as it is. */
async function packInto(folder: string): Promise<string[]> {
  const copy = join(folder, 'source')
  await mkdir(copy)
  for (const name of SOURCES) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const packed = await run(copy, 'npm', ['pack', '--json', '--pack-destination', folder])
  assert.equal(packed.status, 0, packed.err)
  const json = packed.out.slice(packed.out.search(/^[[{]/mu))
  const [description] = Object.values(JSON.parse(json) as Record<string, Packed>)
  assert.ok(description !== undefined)
  await writeFile(join(folder, 'tarball'), description.filename)
  return description.files.map((file) => file.path)
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

const SOURCES = [
  ...[
    'plugin',
    'hooks',
    'migrations',
    'views',
    'scripts',
    'docs',
    'test',
    'examples',
    'bench',
    '.ci',
  ],
  ...[
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
  ],
  ...['.mocharc.json', 'eslint.config.js', '.prettierrc.json', '.gitignore'],
]

async function linkTypes(project: string, name: string): Promise<void> {
  const path = join(project, 'node_modules/@types', name)
  await symlink(join(ROOT, 'node_modules/@types', name), path).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  })
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8')
}

function run(
  cwd: string,
  program: string,
  args: readonly string[],
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 180_000, maxBuffer: 20_000_000 }, (error, out, err) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ status, out, err })
    })
  })
}
