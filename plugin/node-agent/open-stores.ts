import { acquireAgentLock } from '../agent/agent-lock.ts'
import { openServerId, openStateDirectory } from '../agent/state-directory.ts'
import { loadTlsIdentity, type TlsIdentity } from '../channel/tls-identity.ts'
import type { PeerRecord } from '../ports.ts'
import type { Closers } from './closers.ts'
import type { PeerState } from './node-context.ts'
import { openPeerState } from './peer-state.ts'
import { openSettingsStore, type SettingsStore, type StoredSettings } from './settings-store.ts'

/** What this server remembers on disk about itself and its pair. */
export interface Stores {
  readonly serverId: string
  readonly identity: TlsIdentity
  readonly settings: SettingsStore
  readonly peer: PeerState
}

/** What running parts do when a store changed; each change is durable by then. */
export interface StoreChanges {
  settings(next: StoredSettings): Promise<void>
  peer(record: PeerRecord | null): Promise<void>
}

/** Takes the lock first: nothing else of the state directory is touched while another agent runs. */
export async function openStores(
  stateDirectory: string,
  changes: StoreChanges,
  opened: Closers,
): Promise<Stores> {
  await openStateDirectory(stateDirectory)
  const lock = await acquireAgentLock(stateDirectory)
  opened.push(() => lock.release())
  return {
    serverId: await openServerId(stateDirectory),
    identity: await loadTlsIdentity(stateDirectory),
    settings: await openSettingsStore(stateDirectory, (next) => changes.settings(next)),
    peer: await openPeerState(stateDirectory, (record) => changes.peer(record)),
  }
}
