import { findProgram } from '../../../plugin/agent/find-program.ts'
import type { LabHost, LabProcess } from '../namespaces.ts'
import { etcdArguments } from '../etcd.ts'
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
  const given = etcdArguments({ folder, url, peerUrl: 'http://127.0.0.1:2380' })
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
