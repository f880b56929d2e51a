import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from '../../plugin/agent/find-program.ts'
import { createEtcdGateway } from '../../plugin/agent/witness/etcd-gateway.ts'
import { freePort } from '../../examples/demo/postgres-cluster.ts'
import { waitUntil } from './wait-until.ts'

/** A real etcd on loopback. */
export interface Etcd {
  readonly url: string
  /** One call of its JSON gateway. */
  ask(path: string, body: unknown): Promise<unknown>
  /** SIGKILL, as when its machine is lost. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** PEM files; the certificate is its own authority. */
export interface EtcdTls {
  readonly certFile: string
  readonly keyFile: string
}

/** One member that is a cluster by itself. */
export function etcdArguments(member: {
  readonly folder: string
  readonly url: string
  readonly peerUrl: string
}): readonly string[] {
  const options = {
    'data-dir': member.folder,
    'listen-client-urls': member.url,
    'advertise-client-urls': member.url,
    'listen-peer-urls': member.peerUrl,
    'initial-advertise-peer-urls': member.peerUrl,
    'initial-cluster': `default=${member.peerUrl}`,
  }
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
}

/** Null, with a line that says so, where there is no etcd. Whoever starts it kills it. */
export async function startEtcd(folder: string, tls?: EtcdTls): Promise<Etcd | null> {
  if ((await findProgram('etcd')) === null) {
    process.stdout.write('    skipped: there is no etcd here (Debian: etcd-server)\n')
    return null
  }
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${await freePort()}`
  const peerUrl = `http://127.0.0.1:${await freePort()}`
  const given = [
    ...etcdArguments({ folder: `${folder}/etcd`, url, peerUrl }),
    ...(tls === undefined ? [] : ['--cert-file', tls.certFile, '--key-file', tls.keyFile]),
  ]
  const caFile = tls?.certFile
  let running: ChildProcess | null = null
  const etcd: Etcd = {
    url,
    ask: (path, body) =>
      createEtcdGateway({ url, key: 'any', caFile })(path, body, AbortSignal.timeout(2000)),
    async kill() {
      const killed = running
      running = null
      if (killed === null || killed.exitCode !== null) return
      const ended = once(killed, 'exit')
      killed.kill('SIGKILL')
      await ended
    },
    async start() {
      running = spawn('etcd', given, { stdio: 'ignore' })
      const answers = (): Promise<boolean> =>
        etcd.ask('/v3/maintenance/status', {}).then(
          () => true,
          () => false,
        )
      await waitUntil('etcd answers', answers, 20_000)
    },
  }
  await etcd.start()
  return etcd
}
