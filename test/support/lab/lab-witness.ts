import { findProgram } from '../../../plugin/agent/find-program.ts'
import type { LabHost, LabProcess } from '../namespaces.ts'
import { waitUntil } from '../wait-until.ts'

/** An etcd on a third machine of the lab. */
export interface LabWitness {
  /** As the servers' configuration names it. */
  readonly config: { readonly url: string; readonly key: string }
  start(): Promise<void>
  kill(): Promise<void>
}

const START_LIMIT_MS = 30_000

/** Null where there is no etcd. */
export async function missingWitness(): Promise<string | null> {
  return (await findProgram('etcd')) === null ? 'there is no etcd here (Debian: etcd-server)' : null
}

/** Runs nothing until it is started. */
export function labWitness(host: LabHost, address: string, folder: string): LabWitness {
  const url = `http://${address}:2379`
  const peerUrl = 'http://127.0.0.1:2380'
  const options = {
    'data-dir': folder,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `default=${peerUrl}`,
  }
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  let running: LabProcess | null = null
  return {
    config: { url, key: 'hot-standby/lab' },
    async start() {
      if (running !== null) return
      const started = host.start('etcd', ...given)
      running = started
      const ready = (): boolean => started.output().includes('ready to serve client requests')
      await waitUntil('etcd serves', ready, START_LIMIT_MS)
    },
    async kill() {
      const killed = running
      running = null
      killed?.signal('SIGKILL', 'tree')
      await killed?.ended
    },
  }
}
