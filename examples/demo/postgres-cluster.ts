import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { defaultMajor, locatePostgres, type PostgresMajor } from './postgres-binaries.ts'

const run = promisify(execFile)

/** `nobody`: PostgreSQL refuses to run as root, so root starts it as this user. */
const UNPRIVILEGED_ID = 65534

/** One PostgreSQL server of npm's embedded builds, in a folder of its own that goes with it. */
export interface PostgresCluster {
  readonly port: number
  readonly host: string
  /** Connection string of the superuser. */
  url(database?: string): string
  readonly dataDirectory: string
  readonly process: () => ChildProcess | null
  start(): Promise<void>
  /** A fast, clean shutdown. */
  stop(): Promise<void>
  /** `kill -9` of the postmaster and, through it, of all its children. */
  kill(): Promise<void>
  /** Stops it and removes its files. */
  destroy(): Promise<void>
}

export interface PostgresClusterOptions {
  /** Loopback address to listen on. */
  readonly host?: string
  readonly port?: number
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Version of the binaries; see `defaultMajor`. */
  readonly major?: PostgresMajor
  /** False only for throw-away test data. */
  readonly durable?: boolean
}

/** Makes and starts a cluster; the superuser `postgres` may connect from loopback without a password. */
export async function startPostgresCluster(
  options: PostgresClusterOptions = {},
): Promise<PostgresCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-standby-pg-'))
  const binaries = await locatePostgres(
    options.major ?? defaultMajor(),
    'uid' in credentials(),
    join(folder, 'native'),
  )
  const dataDirectory = join(folder, 'data')
  await mkdir(dataDirectory)
  await makeOurs(folder, dataDirectory)
  const host = options.host ?? '127.0.0.1'
  const port = options.port ?? (await freePort(host))
  await run(
    binaries.initdb,
    [
      '-D',
      dataDirectory,
      '-U',
      'postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    credentials(),
  )
  const settings = {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: '',
    shared_buffers: '64MB',
    max_connections: '60',
    fsync: options.durable === false ? 'off' : 'on',
    ...options.settings,
  }
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  )
  await writeFile(join(dataDirectory, 'postgresql.auto.conf'), lines.join(''))
  let postmaster: ChildProcess | null = null

  const cluster: PostgresCluster = {
    host,
    port,
    dataDirectory,
    url: (database = 'postgres') => `postgres://postgres@${host}:${port}/${database}`,
    process: () => postmaster,
    async start() {
      const child = spawn(binaries.postgres, ['-D', dataDirectory], {
        ...credentials(),
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      postmaster = child
      await readyToAccept(child)
    },
    stop: () => end('SIGINT'),
    kill: () => killAll(),
    async destroy() {
      await end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const child = postmaster
    postmaster = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
  const killAll = async (): Promise<void> => {
    const children = await childrenOf(postmaster?.pid)
    await end('SIGKILL')
    for (const pid of children) killQuietly(pid)
    await Promise.all(children.map(gone))
  }
  try {
    await cluster.start()
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    const taken = options.port === undefined && String(error).includes('Address already in use')
    // Somebody was quicker with the port that was free a moment ago.
    if (!taken) throw error
    return startPostgresCluster(options)
  }
  return cluster
}

function credentials(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {}
}

async function makeOurs(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await chmod(folder, 0o700)
    if (process.getuid?.() === 0) await chown(folder, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
  }
}

async function readyToAccept(child: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${log}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000)
      if (/database system is ready to accept (read-only )?connections/.test(log)) resolve()
    })
  })
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  if (pid === undefined || process.platform !== 'linux') return []
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It had already ended, which is what we want.
  }
}

async function gone(pid: number): Promise<void> {
  while (await stat(`/proc/${pid}`).then(isNoZombie(pid), () => false))
    await new Promise(setImmediate)
}

function isNoZombie(pid: number): () => Promise<boolean> {
  return async () => !/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z '))
}

/** A port that is free on this address now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
