import type { HistoryEntry, StatusDocument } from '../../plugin/api/status-document.ts'
import type { ServerFacts } from '../../plugin/core/facts.ts'
import { statusDocument } from './status-document.ts'

/** A status with something in every part of every page. */
export function pairedStatus(change: Partial<StatusDocument> = {}): StatusDocument {
  const base = statusDocument()
  return statusDocument({
    health: {
      word: 'healthy',
      meaning: 'A take-over now works and loses nothing.',
      action: 'Nothing.',
    },
    server: { ...base.server, facts: facts('pbx-2', '192.0.2.2', 'SN-2') },
    peer: { ...base.peer!, facts: facts('pbx-1', '192.0.2.1', 'SN-1') },
    heartbeat: {
      ...base.heartbeat!,
      recentRoundTripsMs: Array.from({ length: 50 }, (_, i) =>
        i === 30 ? null : 0.3 + (i % 7) / 10,
      ),
    },
    replication: {
      ...base.replication,
      reason: 'applies what the active server writes',
      recentLagMs: Array.from({ length: 40 }, (_, i) => (i * 37) % 90),
      lastBatch: { at: '2026-03-01T09:59:58.000Z', changes: 14, durationMs: 6 },
      tables: [
        table('public.extensions', 'replicated', null),
        table('public.call_records', 'quarantined', 'the column "note" is missing on the standby'),
      ],
      notReplicated: [
        {
          name: 'public.network_settings',
          kind: 'table',
          why: 'excluded',
          reason: 'belongs to one server',
        },
      ],
      lastCheck: {
        at: '2026-03-01T09:00:00.000Z',
        durationMs: 840,
        tables: 16,
        rows: 120_345,
        repaired: false,
        differences: [
          {
            table: 'public.extensions',
            onlyOnActive: 1,
            onlyOnStandby: 0,
            different: 2,
            keys: ['(17)', '(18)'],
            rows: [
              { key: '(17)', active: '(17,Ann,101)', standby: '(17,<b>Anna,101)' },
              { key: '(18)', active: '(18,Bob,102)', standby: null },
            ],
          },
        ],
      },
    },
    requirements: [
      requirement('samePlan', 'Both servers have the same plan', true),
      requirement('sameFirmware', 'Both servers run the same firmware', false),
    ],
    lastDrill: {
      at: '2026-02-20T03:00:01.200Z',
      durationMs: 1200,
      ok: false,
      serverId: 'server-b',
      hostName: 'pbx-2',
      by: 'ann',
      drainMs: 14,
      expectedOutage: { plannedMs: 60, failoverMs: 5300 },
      steps: [
        {
          id: 'data',
          title: 'The data is in sync and the same at one cut',
          result: 'ok',
          durationMs: 840,
          detail: '16 tables, 120345 rows are identical',
          remedy: null,
        },
        {
          id: 'carrier',
          title: 'The network cable is connected',
          result: 'failed',
          durationMs: 12,
          detail: 'the interface has no carrier',
          remedy: 'Connect the LAN port of this server.',
        },
        {
          id: 'services',
          title: 'The commands of the telephony service would run',
          result: 'skipped',
          durationMs: 0,
          detail: 'no command is configured',
          remedy: null,
        },
      ],
    },
    lastTakeOver: {
      at: '2026-02-11T03:12:44.000Z',
      kind: 'failover',
      term: 2,
      activeServerId: 'server-a',
      reason: 'no heartbeat for 5000 ms',
      durationMs: 5320,
      unsentChanges: 0,
    },
    settings: {
      server: {
        identity: 'secondary',
        hostName: 'pbx-2',
        networkInterface: 'eth0',
        peerAddress: '192.0.2.1',
        peerPort: 7421,
        expectedPeerSerialNumber: null,
      },
      pair: {
        version: 3,
        virtualIp: { address: '192.0.2.10', prefixLength: 24 },
        keepAliveIntervalMs: 500,
        deadTimeMs: 5000,
        referenceAddresses: ['192.0.2.254'],
        coldStartAlone: true,
        contacts: [{ name: 'Ann', email: 'ann@example.com', levels: ['warning', 'alert'] }],
      },
    },
    ...change,
  })
}

/** The same pair as the active server sees it. */
export function activeStatus(change: Partial<StatusDocument> = {}): StatusDocument {
  const base = pairedStatus()
  return pairedStatus({
    server: {
      ...base.server,
      identity: 'primary',
      role: 'active',
      state: 'active',
      facts: facts('pbx-1', '192.0.2.1', 'SN-1'),
    },
    peer: {
      ...base.peer!,
      identity: 'secondary',
      role: 'standby',
      state: 'standby',
      address: '192.0.2.2',
      facts: facts('pbx-2', '192.0.2.2', 'SN-2'),
    },
    virtualIp: { ...base.virtualIp!, holder: 'thisServer' },
    configLock: { locked: false, reasons: [], activeAddress: null },
    replication: { ...base.replication, phase: 'capturing' },
    settings: {
      ...base.settings,
      server: {
        ...base.settings.server!,
        identity: 'primary',
        hostName: 'pbx-1',
        peerAddress: '192.0.2.2',
      },
    },
    ...change,
  })
}

/** An active server on a bad day: everything that a page can say stands on it at once. */
export function busyStatus(): StatusDocument {
  const base = activeStatus()
  const at = '2026-03-01T10:00:00.000Z'
  return activeStatus({
    health: {
      word: 'notProtected',
      meaning: 'When this server fails, nobody takes over.',
      action: 'Wait for the copy.',
    },
    peer: { ...base.peer!, heard: false, databaseUp: null, serviceHealthy: null, since: null },
    virtualIp: { ...base.virtualIp!, holder: 'unknown' },
    blockers: [
      { id: 'peerNotInSync', reason: 'the standby is copied afresh', remedy: 'Wait for the copy.' },
    ],
    replication: {
      ...base.replication,
      inSync: false,
      phase: 'copying',
      lag: { ageMs: 65_000, rows: 1234, bytes: 123_400 },
      wakeUp: 'poll',
      initialCopy: {
        startedAt: at,
        finishedAt: null,
        tables: { done: 3, total: 16 },
        rows: { done: 1000, estimated: 120_000 },
        bytes: { done: 1_000_000, estimated: 90_000_000 },
        remainingMs: 240_000,
        table: 'public.call_records',
      },
      catchUp: { startedAt: at, changes: { done: 20_000, total: 500_000 }, remainingMs: 90_000 },
    },
    operation: {
      id: '1',
      kind: 'switchover',
      startedAt: at,
      finishedAt: null,
      outcome: 'running',
      steps: [{ at, text: 'waits for 2 calls to end' }],
      reason: null,
      waits: true,
    },
    maintenance: { until: null, remainingMs: null, synchronisation: 'paused' },
    automaticTakeOver: { state: 'held', changesLastHour: 7, changesPerHour: 6 },
    unsentChanges: 4,
    witness: null,
    ownUnsentChanges: 2,
  })
}

/** A server with an agent that nobody has set up. */
export function newStatus(): StatusDocument {
  const base = statusDocument()
  return statusDocument({
    setUp: 'notSetUp',
    health: { word: 'notSetUp', meaning: 'This server is alone.', action: 'Set it up.' },
    server: { ...base.server, identity: null, role: 'starting', state: 'unpaired', term: 0 },
    peer: null,
    virtualIp: null,
    heartbeat: null,
    configLock: { locked: false, reasons: [], activeAddress: null },
    replication: { ...base.replication, phase: 'off', inSync: false, lag: null, recentLagMs: [] },
  })
}

export function historyEntry(id: number, change: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    id,
    at: '2026-03-01T09:00:00.000Z',
    serverId: 'server-b',
    hostName: 'pbx-2',
    kind: 'peerLost',
    level: 'alert',
    title: 'The peer does not answer',
    reason: 'no heartbeat for 5000 ms',
    meaning:
      'The system is not protected. Calls go on if it is the standby that does not answer; if it is the active server, this one takes over, unless something stands in the way.',
    advice: 'The system is not protected. Repair the other server.',
    data: { silentMs: 5000 },
    actor: null,
    ...change,
  }
}

function facts(hostName: string, address: string, serialNumber: string): ServerFacts {
  return {
    productName: 'Example PBX',
    hostName,
    serialNumber,
    plan: 'Ultimate',
    firmwareVersion: '83.6.0.24',
    minimumFirmwareVersion: '83.6.0.24',
    capacity: { extensions: 500, concurrentCalls: 120 },
    network: {
      interfaceName: 'eth0',
      address,
      prefixLength: 24,
      family: 'ipv4',
      isStatic: true,
      isDefault: true,
      kind: 'lan',
    },
    postgresVersion: 170_010,
    schemaFingerprint: 'f00',
    freeDiskBytes: 81_000_000_000,
    clockMs: 0,
    packageVersion: '0.1.0',
  }
}

function table(
  name: string,
  state: 'replicated' | 'quarantined',
  reason: string | null,
): StatusDocument['replication']['tables'][number] {
  const lastChangeAt = '2026-03-01T09:59:00.000Z'
  const lag = state === 'replicated' ? { rows: 0, ageMs: 0 } : { rows: 3, ageMs: 65_000 }
  return { name, state, reason, capture: 'key', rows: 120, lastChangeAt, lastCheckedAt: null, lag }
}

function requirement(
  id: 'samePlan' | 'sameFirmware',
  title: string,
  met: boolean,
): StatusDocument['requirements'][number] {
  const remedy = 'Install the same version on both servers.'
  return { id, title, met, mandatory: true, own: 'A', peer: met ? 'A' : 'B', remedy }
}
