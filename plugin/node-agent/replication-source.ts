import type { PeerClient, PeerRecord, ReplicationSource } from '../ports.ts'

/** The active's PostgreSQL as this standby reaches it: through the TLS channel, with the log-in that the peer tells. */
export function replicationSource(
  record: PeerRecord,
  client: PeerClient,
  term: () => number,
): ReplicationSource {
  return {
    serverId: record.serverId,
    term,
    async connect() {
      const access = await client.databaseAccess()
      return { stream: await client.connectDatabase(), ...access }
    },
  }
}
