import type { Delivery } from '../api/agent-api.ts'
import type { ReplicationPhase, StatusDocument } from '../api/status-document.ts'
import type { Role } from '../core/facts.ts'

/** What metrics are made from. */
export interface MetricInput {
  readonly status: StatusDocument
  readonly deliveries: readonly Delivery[]
  /** Events of this process by level. */
  readonly events: ReadonlyMap<string, number>
}

/** A value with its labels. */
export type Sample = Readonly<Record<string, string>> & { readonly value: number }

export interface MetricDefinition {
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly labels: readonly string[]
  /** Without a sample while the value is not known. */
  readonly read: (input: MetricInput) => readonly { readonly value: number }[]
}

const WORDS: readonly StatusDocument['health']['word'][] = [
  ...(['notSetUp', 'healthy', 'synchronising', 'degraded'] as const),
  ...(['notProtected', 'takingOver', 'split'] as const),
]
const ROLES: readonly Role[] = ['active', 'standby', 'starting', 'fault']
const PHASES: readonly ReplicationPhase[] = [
  ...(['off', 'capturing', 'connecting', 'copying'] as const),
  ...(['catchingUp', 'streaming', 'failed', 'paused'] as const),
]
const LEVELS = ['information', 'warning', 'alert'] as const

/** Every metric; `docs/reference/metrics.md` is printed from here. */
export const METRICS: Readonly<Record<string, MetricDefinition>> = {
  hot_standby_info: {
    type: 'gauge',
    help: 'Always 1; says which server and version this is',
    labels: ['server_id', 'host_name', 'identity', 'version'],
    read: ({ status: { server } }) => [
      {
        value: 1,
        server_id: server.id,
        host_name: server.facts?.hostName ?? '',
        identity: server.identity ?? '',
        version: server.facts?.packageVersion ?? '',
      },
    ],
  },
  hot_standby_health: oneOf(
    'The health word: 1 for the one that holds',
    'word',
    WORDS,
    (status) => status.health.word,
  ),
  hot_standby_role: oneOf(
    'The role of this server: 1 for the one that holds',
    'role',
    ROLES,
    (status) => status.server.role,
  ),
  hot_standby_paired: gauge(
    '1 when this server belongs to a pair',
    ({ setUp }) => setUp === 'paired',
  ),
  hot_standby_term: gauge('Counts take-overs', ({ server }) => server.term),
  hot_standby_virtual_ip_held: gauge('1 when the virtual IP is on this server', ({ virtualIp }) =>
    virtualIp === null ? null : virtualIp.holder === 'thisServer',
  ),
  hot_standby_database_up: gauge(
    '1 when PostgreSQL of this server answers',
    ({ server }) => server.databaseUp,
  ),
  hot_standby_service_healthy: gauge(
    '1 when the health command of telephony succeeds',
    ({ server }) => server.serviceHealthy,
  ),
  hot_standby_disk_writable: gauge(
    '1 when the state directory can be written to',
    ({ server }) => server.diskWritable,
  ),
  hot_standby_reference_reachable: gauge(
    '1 when a reference address answers',
    ({ server }) => server.referenceReachable,
  ),
  hot_standby_carrier_up: gauge(
    '1 when the network cable is connected',
    ({ server }) => server.carrierUp,
  ),
  hot_standby_peer_heard: gauge(
    '1 when heartbeats of the peer arrive',
    ({ peer }) => peer?.heard ?? null,
  ),
  hot_standby_heartbeat_silent_seconds: gauge(
    'Since the last heartbeat of the peer',
    ({ heartbeat }) => seconds(heartbeat?.silentMs),
  ),
  hot_standby_heartbeat_round_trip_seconds: gauge(
    'Round trip of the last heartbeat',
    ({ heartbeat }) => seconds(heartbeat?.roundTripMs),
  ),
  hot_standby_heartbeat_loss_ratio: gauge(
    'Heartbeats lost in the last minute, 0 to 1',
    ({ heartbeat }) => (heartbeat?.lossPercent == null ? null : heartbeat.lossPercent / 100),
  ),
  hot_standby_heartbeat_longest_gap_seconds: gauge(
    'Longest time without a heartbeat',
    ({ heartbeat }) => seconds(heartbeat?.longestGapMs),
  ),
  hot_standby_replication_phase: oneOf(
    'What the replication of this server does: 1 for the phase that holds',
    'phase',
    PHASES,
    (status) => status.replication.phase,
  ),
  hot_standby_in_sync: gauge(
    '1 when the standby has everything',
    ({ replication }) => replication.inSync,
  ),
  hot_standby_lag_seconds: gauge(
    'Age of the oldest change that the standby has not got',
    ({ replication }) => seconds(replication.lag?.ageMs),
  ),
  hot_standby_lag_rows: gauge(
    'Changes that the standby has not got',
    ({ replication }) => replication.lag?.rows ?? null,
  ),
  hot_standby_lag_bytes: gauge(
    'Their size in the journal',
    ({ replication }) => replication.lag?.bytes ?? null,
  ),
  hot_standby_last_batch_timestamp_seconds: gauge(
    'When the last batch was applied, Unix time',
    ({ replication }) => unixTime(replication.lastBatch?.at),
  ),
  hot_standby_last_batch_changes: gauge(
    'Changes in the last batch',
    ({ replication }) => replication.lastBatch?.changes ?? null,
  ),
  hot_standby_last_batch_duration_seconds: gauge(
    'How long the last batch took',
    ({ replication }) => seconds(replication.lastBatch?.durationMs),
  ),
  hot_standby_journal_bytes: gauge(
    'Size of the journal',
    ({ replication }) => replication.journalBytes,
  ),
  hot_standby_journal_cap_bytes: gauge(
    'Size at which the standby is marked for resynchronisation',
    ({ replication }) => replication.journalCapBytes,
  ),
  hot_standby_tables: {
    type: 'gauge',
    help: 'Tables by state',
    labels: ['state'],
    read: ({ status: { replication } }) =>
      (['replicated', 'quarantined'] as const).map((state) => ({
        state,
        value: replication.tables.filter((table) => table.state === state).length,
      })),
  },
  hot_standby_last_check_timestamp_seconds: gauge(
    'When both servers were compared last, Unix time',
    ({ replication }) => unixTime(replication.lastCheck?.at),
  ),
  hot_standby_drift_rows: gauge(
    'Rows that differed at the last comparison',
    ({ replication: { lastCheck } }) =>
      lastCheck === null
        ? null
        : lastCheck.differences.reduce(
            (sum, table) => sum + table.onlyOnActive + table.onlyOnStandby + table.different,
            0,
          ),
  ),
  hot_standby_blockers: gauge('Reasons against a take-over now', ({ blockers }) => blockers.length),
  hot_standby_blocker: {
    type: 'gauge',
    help: '1 for each reason against a take-over now',
    labels: ['id'],
    read: ({ status: { blockers } }) =>
      [...new Set(blockers.map(({ id }) => id))].map((id) => ({ id, value: 1 })),
  },
  hot_standby_requirements_unmet: gauge(
    'Requirements of the pair that are not met',
    ({ requirements }) => requirements.filter(({ met }) => !met).length,
  ),
  hot_standby_maintenance: gauge(
    '1 in maintenance mode',
    ({ maintenance }) => maintenance !== null,
  ),
  hot_standby_last_take_over_timestamp_seconds: gauge(
    'When a server became active last, Unix time',
    ({ lastTakeOver }) => unixTime(lastTakeOver?.at),
  ),
  hot_standby_last_take_over_duration_seconds: gauge('How long that took', ({ lastTakeOver }) =>
    seconds(lastTakeOver?.durationMs),
  ),
  hot_standby_unsent_changes: gauge(
    'Changes that had not reached the other server at the last take-over',
    ({ lastTakeOver }) => lastTakeOver?.unsentChanges ?? null,
  ),
  hot_standby_messages: {
    type: 'gauge',
    help: 'Messages in the outbox by channel and state: waiting, delivered, failed, byPeer',
    labels: ['channel', 'state'],
    read: ({ deliveries }) => {
      const counts = new Map<string, { channel: string; state: string; value: number }>()
      for (const channel of ['mail', 'webhook', 'syslog'])
        counts.set(`${channel} waiting`, { channel, state: 'waiting', value: 0 })
      for (const { channel, state } of deliveries) {
        const key = `${channel} ${state}`
        counts.set(key, { channel, state, value: (counts.get(key)?.value ?? 0) + 1 })
      }
      return [...counts.values()]
    },
  },
  hot_standby_oldest_message_seconds: {
    type: 'gauge',
    help: 'Age of the oldest message that waits, by channel',
    labels: ['channel'],
    read: ({ status, deliveries }) =>
      (['mail', 'webhook', 'syslog'] as const).map((channel) => {
        const waiting = deliveries.filter(
          (each) => each.channel === channel && each.state === 'waiting',
        )
        const oldest = Math.min(...waiting.map(({ at }) => Date.parse(at)), Date.parse(status.at))
        return { channel, value: Math.max(0, (Date.parse(status.at) - oldest) / 1000) }
      }),
  },
  hot_standby_events_total: {
    type: 'counter',
    help: 'Events since the agent started, by level',
    labels: ['level'],
    read: ({ events }) => LEVELS.map((level) => ({ level, value: events.get(level) ?? 0 })),
  },
}

function gauge(
  help: string,
  read: (status: StatusDocument) => number | boolean | null,
): MetricDefinition {
  return {
    type: 'gauge',
    help,
    labels: [],
    read: ({ status }) => {
      const value = read(status)
      return value === null ? [] : [{ value: Number(value) }]
    },
  }
}

/** One series for each of the words, so that a query need not know which one was before. */
function oneOf<Word extends string>(
  help: string,
  label: string,
  words: readonly Word[],
  read: (status: StatusDocument) => Word,
): MetricDefinition {
  return {
    type: 'gauge',
    help,
    labels: [label],
    read: ({ status }) =>
      words.map((word) => ({ [label]: word, value: word === read(status) ? 1 : 0 })),
  }
}

function seconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : ms / 1000
}

function unixTime(at: string | undefined): number | null {
  return at === undefined ? null : Date.parse(at) / 1000
}
