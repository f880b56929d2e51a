import { readPeerRecord, removePeerRecord, writePeerRecord } from '../channel/peer-record.ts'
import type { PeerRecord } from '../ports.ts'
import type { PeerState } from './node-context.ts'

/** Opens `peer.json`; `changed` is called after each change is durable. Errors: HS_STATE_UNREADABLE. */
export async function openPeerState(
  stateDirectory: string,
  changed: (record: PeerRecord | null) => Promise<void>,
): Promise<PeerState> {
  let current = await readPeerRecord(stateDirectory)
  return {
    record: () => current,
    async set(record) {
      await writePeerRecord(stateDirectory, record)
      current = record
      await changed(record)
    },
    async forget() {
      await removePeerRecord(stateDirectory)
      current = null
      await changed(null)
    },
  }
}
