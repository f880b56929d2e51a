import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  type PostgresCluster,
  startPostgresCluster,
} from '../../../../examples/demo/postgres-cluster.ts'
import { quoteName } from '../../../../plugin/db/identifiers.ts'
import { HotStandbyError } from '../../../../plugin/errors.ts'
import type { ReplicationEngine } from '../../../../plugin/ports.ts'
import { createReplicationEngine } from '../../../../plugin/replication/engine.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  REPLICATOR,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../../support/database.ts'

const DDL = 'create table t (id int primary key, v text)'
const SCHEMA = quoteName(ODD_SCHEMA)

describe('pitfalls: servers that are not what they seem', function () {
  this.timeout(90_000)
  const clusters = useClusters()
  let active: TestServer
  let standby: TestServer

  before(async () => {
    active = await startServer(clusters().first, 'active', { ddl: DDL })
    standby = await startServer(clusters().second, 'standby', { ddl: DDL })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })
  after(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  const engineAt = (url: string): ReplicationEngine =>
    createReplicationEngine({ config: { ...active.config, url }, serverId: 'active' })

  async function refusalOf(url: string): Promise<string> {
    const engine = engineAt(url)
    try {
      await engine.open()
    } catch (error) {
      assert.ok(error instanceof HotStandbyError, String(error))
      assert.equal(error.code, 'HS_DATABASE_UNSUPPORTED', error.message)
      return error.message
    } finally {
      await engine.close()
    }
    return 'it was not refused'
  }

  for (const mode of ['transaction', 'session'] as const)
    it(`D14: PgBouncer in ${mode} mode is refused by name`, async function () {
      const program = findProgram('pgbouncer')
      if (program === null) {
        console.log('      skipped: pgbouncer is not installed (apt-get install pgbouncer)')
        this.skip()
      }
      const pooler = await startPooler(program, clusters().first, mode)
      try {
        const url = `postgres://${REPLICATOR}@127.0.0.1:${pooler.port}/${active.database}`
        await eventually(
          () => withClient(url, (client) => client.query('select')).then(Boolean, () => false),
          'the pooler answers',
        )
        assert.match(await refusalOf(url), /pooler/)
      } finally {
        await pooler.stop()
      }
    })

  it('C14: a database without an encoding is refused', async () => {
    await assert.rejects(
      startServer(clusters().first, 'raw', { ddl: DDL, encoding: 'SQL_ASCII' }),
      {
        code: 'HS_DATABASE_UNSUPPORTED',
        message: /SQL_ASCII/,
      },
    )
  })

  it('C14: a character that the encoding of the standby has not got stops its table by name, the others go on', async () => {
    const ddl = `${DDL}; create table other (id int primary key, v text)`
    const from = await startServer(clusters().first, 'active', { ddl })
    const to = await startServer(clusters().second, 'standby', { ddl, encoding: 'LATIN1' })
    const reason = (): string | null | undefined =>
      to.engine.status().tables.find(({ name }) => name === 'public.t')?.reason
    try {
      await from.engine.promote(1)
      await to.engine.follow(from.source(), 'test')
      await from.sql.query(`insert into t values (1, 'Größe'), (2, 'ÿ')`)
      await inSync(from, to)
      assert.deepEqual(await rowsOf(to, 't'), ['(1,Größe)', '(2,ÿ)'])
      await from.sql.query(`insert into t values (3, '5 €'); insert into other values (1, 'ä')`)
      await eventually(() => /LATIN1/.test(reason() ?? ''), 'the table is named')
      await inSync(from, to)
      assert.deepEqual(await rowsOf(to, 'other'), ['(1,ä)'])
      assert.deepEqual(await rowsOf(to, 't'), ['(1,Größe)', '(2,ÿ)'])
      await from.sql.query(`update t set v = '5 EUR' where id = 3`)
      await eventually(() => reason() === null, 'it heals by itself')
      await inSync(from, to)
      assert.deepEqual(await rowsOf(to, 't'), await rowsOf(from, 't'))
    } finally {
      await Promise.all([from.close(), to.close()])
    }
  })

  it('D15, H9: a physical replica is refused; promoted while it lacks what the standby has, it is not trusted', async () => {
    const { first } = clusters()
    await active.sql.query(`insert into t select n, 'before' from generate_series(1, 50) n`)
    await inSync(active, standby)
    await active.close()
    await first.stop()
    const replica = await startReplica(first)
    await first.start()
    const url = replica.url(active.database).replace('postgres@', `${REPLICATOR}@`)
    const again = engineAt(active.config.url)
    let promoted: ReplicationEngine | null = null
    try {
      await again.open()
      await again.promote(1)
      await withClient(active.url(), (client) =>
        client.query(`insert into t values (100, 'the replica never got it')`),
      )
      await standby.engine.applyUpTo(await again.currentPosition(), 15_000)
      assert.match(await refusalOf(url), /physical replica/)
      await again.close()
      await first.kill()
      await withClient(replica.url(), (client) => client.query('select pg_promote()'))
      await withClient(replica.url(active.database), (client) =>
        client.query(`insert into t values (101, 'after')`),
      )
      promoted = engineAt(url)
      await promoted.open()
      await promoted.promote(1)
      await standby.engine.follow(sourceAt(replica), 'promoted')
      await standby.engine.applyUpTo(await promoted.currentPosition(), 30_000)
      assert.match(
        standby.history.findLast(({ kind }) => kind === 'resynchronisationStarted')?.reason ?? '',
        /set back in time|does not know the position/,
      )
      const rows = await rowsOf(standby, 't')
      assert.ok(rows.includes('(101,after)') && rows.includes('(50,before)'))
      assert.ok(!rows.some((row) => row.includes('never got it')), 'nothing that the active lacks')
      const { rowCount } = await standby.sql.query(`select from ${SCHEMA}.applied_position`)
      assert.equal(rowCount, 1)
    } finally {
      await again.close()
      await promoted?.close()
      await standby.engine.standAlone({ forget: false })
      await replica.destroy()
      if (first.process() === null) await first.start()
    }
  })

  function sourceAt(cluster: PostgresCluster): ReturnType<TestServer['source']> {
    return {
      serverId: 'active',
      term: () => 1,
      async connect() {
        const stream = connect(cluster.port, cluster.host)
        await once(stream, 'connect')
        return { stream, user: REPLICATOR, password: null, database: active.database }
      },
    }
  }
})

/** A copy of a stopped cluster that waits for log of it which never comes. */
async function startReplica(of: PostgresCluster): Promise<PostgresCluster> {
  const replica = await startPostgresCluster({ durable: false })
  await replica.stop()
  const own = await readFile(join(replica.dataDirectory, 'postgresql.auto.conf'))
  await rm(replica.dataDirectory, { recursive: true })
  await cp(of.dataDirectory, replica.dataDirectory, { recursive: true })
  await writeFile(join(replica.dataDirectory, 'postgresql.auto.conf'), own)
  await writeFile(join(replica.dataDirectory, 'standby.signal'), '')
  giveAway(replica.dataDirectory)
  await replica.start()
  return replica
}

/** To the user that PostgreSQL runs as when root starts it. */
function giveAway(path: string): void {
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', '65534:65534', path])
}

function findProgram(name: string): string | null {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']) {
    try {
      execFileSync('test', ['-x', join(folder, name)])
      return join(folder, name)
    } catch {
      // Not in this one.
    }
  }
  return null
}

async function startPooler(
  program: string,
  cluster: PostgresCluster,
  mode: string,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-standby-pooler-'))
  const port = await freePort()
  await writeFile(join(folder, 'users'), `"${REPLICATOR}" ""\n`)
  await writeFile(
    join(folder, 'ini'),
    `[databases]
* = host=${cluster.host} port=${cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users')}
pool_mode = ${mode}
ignore_startup_parameters = extra_float_digits, options
`,
  )
  giveAway(folder)
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const child: ChildProcess = spawn(program, ['-q', join(folder, 'ini')], {
    ...user,
    stdio: 'ignore',
  })
  return {
    port,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
