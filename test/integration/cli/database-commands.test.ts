import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { withClient } from '../../support/database.ts'
import { requirePassword } from '../../support/require-password.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const GRANT = 'grant set on parameter session_replication_role to "hot_standby"'

/** In the order in which an administrator meets them: each test leaves the database a step further. */
describe('hot-standby migrate and doctor on a real database', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  let cluster: PostgresCluster
  let configPath = ''

  before(async () => {
    cluster = await startPostgresCluster({ durable: false })
    await withClient(cluster.url(), async (client) => {
      await client.query('create role hot_standby login')
      await client.query('create table extensions (number text primary key, name text)')
      await client.query('create table sessions (sid text primary key)')
    })
    configPath = join(folder.path, 'hot-standby.config.json')
    await writeFile(configPath, JSON.stringify(config(cluster)))
  })
  after(async () => {
    await cluster.destroy()
    folder.remove()
  })

  const cli = async (...argv: readonly string[]) => cliWith(configPath, ...argv)
  const cliWith = async (path: string, ...argv: readonly string[]) => {
    const lines: string[] = []
    const io = {
      out: (line: string) => lines.push(line),
      err: (line: string) => lines.push(line),
      clear: () => undefined,
    }
    const status = await runCli(['--config', path, ...argv], io)
    return { status, text: lines.join('\n') }
  }

  const writeConfig = async (name: string, database: object): Promise<string> => {
    const path = join(folder.path, name)
    await writeFile(path, JSON.stringify({ ...config(cluster), database }))
    return path
  }
  const schemas = () =>
    withClient(cluster.url(), async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select nspname as name from pg_namespace
         where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`,
      )
      return rows.map(({ name }) => name)
    })

  it('doctor says that the migration is missing, and how to do it', async () => {
    const { status, text } = await cli('doctor')
    assert.equal(status, 1)
    assert.match(text, /^ok {7}Database: /mu)
    assert.match(text, /^FAILED {3}Migrations: .*0001_journal\n {9}Run `hot-standby migrate`/mu)
    assert.match(text, /^FAILED {3}Agent: /mu)
  })

  it('migrate names what it captured and excluded, and fails while a right is missing', async () => {
    const { status, text } = await cli('migrate')
    assert.equal(status, 1)
    assert.match(text, /^Migrations {6}applied 0001_journal/mu)
    assert.match(text, /^Capture {9}1 tables installed, 0 unchanged, 0 removed$/mu)
    assert.match(text, /^Excluded {8}public\.sessions: /mu)
    assert.ok(text.includes(`  ${GRANT};`), text)
  })

  it('doctor prints the statement that gives the right', async () => {
    const { text } = await cli('doctor')
    assert.match(text, /^ok {7}Migrations: /mu)
    assert.ok(text.includes(`Run as superuser: ${GRANT};`), text)
  })

  it('migrate is done when the right is there, and again and again', async () => {
    await withClient(cluster.url(), (client) => client.query(GRANT))
    for (let times = 0; times < 2; times++) {
      const { status, text } = await cli('migrate')
      assert.equal(status, 0, text)
      assert.match(text, /0 tables installed, 1 unchanged, 0 removed/u)
    }
    assert.match((await cli('doctor')).text, /^ok {7}Rights in the database: /mu)
  })

  it('takes password files from the folder of the configuration, wherever it is run', async () => {
    await withClient(cluster.url(), (client) => client.query('create role owner superuser login'))
    await requirePassword(cluster, 'owner', 'hidden')
    await writeFile(join(folder.path, 'secret'), 'hidden\n', { mode: 0o600 })
    const ownerUrl = cluster.url().replace('postgres@', 'owner@')
    for (const [ownerPasswordFile, expected] of [
      ['secret', /^Capture/mu],
      ['none', new RegExp(`file ${folder.path}/none cannot be read.*\nRemedy: Correct the path`)],
      ['hot-standby.config.json', /HS_DATABASE_UNREACHABLE\)\nRemedy: Correct the password/u],
    ] as const) {
      const fields = { ...config(cluster).database, ownerUrl, ownerPasswordFile }
      const { status, text } = await cliWith(await writeConfig('password.json', fields), 'migrate')
      assert.equal(status, ownerPasswordFile === 'secret' ? 0 : 1, text)
      assert.match(text, expected)
    }
  })

  const wrong: readonly (readonly [string, object, RegExp])[] = [
    [
      'a schema that does not exist',
      { replicatedSchemas: ['public', 'pbx'] },
      /HS_CONFIG_INVALID\)\n {2}database\.replicatedSchemas\.1 = "pbx" does not exist in this database\n {4}Run the migrations of the platform first, or correct the name: this database has public\./u,
    ],
    [
      'its own schema',
      { replicatedSchemas: ['hot_standby'] },
      /"hot_standby" is the schema of hot standby itself/u,
    ],
    [
      'a database that does not exist',
      { url: 'postgres://x@HOST/none', ownerUrl: 'postgres://postgres@HOST/none' },
      /database "none" does not exist \(HS_DATABASE_UNREACHABLE\)\nRemedy: Create the database, or correct its name/u,
    ],
    [
      'a role that does not exist',
      { ownerUrl: 'postgres://nobody_here@HOST/postgres' },
      /role "nobody_here" does not exist \(HS_DATABASE_UNREACHABLE\)\nRemedy: Create the role/u,
    ],
    [
      'an owner without rights',
      { ownerUrl: 'postgres://hot_standby@HOST/postgres', schema: 'another' },
      /permission denied for database postgres.*\(HS_DATABASE_RIGHTS\)\nRemedy: Set database\.ownerUrl/u,
    ],
  ]
  for (const [what, fields, expected] of wrong)
    it(`migrate refuses ${what}, says what to do, and changes nothing`, async () => {
      const host = `${cluster.host}:${cluster.port}`
      const text = JSON.stringify({ ...config(cluster).database, ...fields })
      const path = await writeConfig(
        'wrong.json',
        JSON.parse(text.replaceAll('HOST', host)) as object,
      )
      const ran = await cliWith(path, 'migrate')
      assert.equal(ran.status, 1, ran.text)
      assert.match(ran.text, expected)
      assert.doesNotMatch(ran.text, /^\s+at /mu)
      assert.deepEqual(await schemas(), ['hot_standby', 'public'])
    })

  it('migrate tells of exclusions that exclude nothing', async () => {
    const exclude = {
      tables: ['sessions', 'sesions'],
      columns: { extensions: ['nmae'], trunks: ['host'] },
      rows: { 'public.gone': 'is_local' },
    }
    const path = await writeConfig('unknown.json', { ...config(cluster).database, exclude })
    const { status, text } = await cliWith(path, 'migrate')
    assert.equal(status, 0)
    assert.deepEqual(
      text.split('\n').flatMap((line) => /^NOT FOUND +(\S+): /u.exec(line)?.[1] ?? []),
      ['sesions', 'trunks', 'extensions.nmae', 'public.gone'],
    )
  })

  it('migrate and doctor name a condition that does not fit its table', async () => {
    const exclude = { rows: { extensions: 'number' } }
    const path = await writeConfig('rows.json', { ...config(cluster).database, exclude })
    for (const command of ['migrate', 'doctor']) {
      const { status, text } = await cliWith(path, command)
      assert.equal(status, 1)
      assert.match(text, /database\.exclude\.rows\.extensions.*boolean/su)
    }
  })

  it('disable --purge says what would go, and wants the word for it', async () => {
    const { status, text } = await cli('disable', '--purge', '--force')
    assert.equal(status, 1)
    assert.match(
      text,
      /schema hot_standby and the triggers on 1 tables would be removed \(HS_CONFIRMATION_NEEDED\)\nRemedy: Add --yes/u,
    )
    assert.deepEqual(await schemas(), ['hot_standby', 'public'])
  })

  it('disable --purge does not leave the peer behind unasked when the agent does not run', async () => {
    const { status, text } = await cli('disable', '--purge', '--yes')
    assert.equal(status, 1)
    assert.match(text, /HS_AGENT_UNREACHABLE\)\nRemedy: Start the agent.*--force/u)
    assert.deepEqual(await schemas(), ['hot_standby', 'public'])
  })

  it('disable --purge leaves nothing of ours and all of the platform’s', async () => {
    await withClient(cluster.url(), (client) =>
      client.query("insert into extensions values ('100', 'Ann')"),
    )
    for (const expected of [/triggers on 1 tables/u, /Nothing of hot standby was/u]) {
      const { status, text } = await cli('disable', '--purge', '--yes', '--force')
      assert.equal(status, 0, text)
      assert.match(text, expected)
    }
    assert.deepEqual(await schemas(), ['public'])
    await withClient(cluster.url(), async (client) => {
      const { rows } = await client.query<{ triggers: string; rows: string }>(
        `select (select count(*) from pg_trigger where not tgisinternal) as triggers,
           (select count(*) from extensions) as rows`,
      )
      assert.deepEqual(rows, [{ triggers: '0', rows: '1' }])
    })
  })

  it('migrate says what is wrong when the database does not answer', async () => {
    await cluster.stop()
    const { status, text } = await cli('migrate')
    assert.equal(status, 1)
    assert.match(text, /\(HS_DATABASE_UNREACHABLE\)\nRemedy: /u)
    assert.doesNotMatch(text, /^\s+at /mu)
  })
})

function config(cluster: PostgresCluster) {
  return {
    stateDirectory: 'state',
    database: {
      url: cluster.url().replace('postgres@', 'hot_standby@'),
      ownerUrl: cluster.url(),
      exclude: { tables: ['sessions'] },
    },
    network: { interface: 'lo', driver: 'listener' },
    platform: {
      facts: {
        productName: 'Example PBX',
        serialNumber: 'EX-1',
        plan: 'Enterprise',
        firmwareVersion: '1.0',
        capacity: { extensions: 1, concurrentCalls: 1 },
      },
    },
  }
}
