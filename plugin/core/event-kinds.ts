import type { EventLevel } from './settings.ts'

interface EventKindDefinition {
  readonly level: EventLevel
  /** Mailed to the contacts of the level. */
  readonly notify: boolean
  /** Subject line and heading. */
  readonly title: string
  /** What it means for users, and what to do. */
  readonly advice: string
}

/** Every kind of entry that the history can hold. Documented in `docs/reference/events.md`. */
export const EVENT_KINDS = {
  agentStarted: {
    level: 'information',
    notify: false,
    title: 'The agent started',
    advice: 'Nothing to do.',
  },
  agentStopped: {
    level: 'information',
    notify: false,
    title: 'The agent stopped',
    advice: 'Start it again to protect the system.',
  },
  settingsChanged: {
    level: 'information',
    notify: false,
    title: 'The settings were changed',
    advice: 'Nothing to do.',
  },
  accessCodeMade: {
    level: 'information',
    notify: false,
    title: 'An access code was made',
    advice: 'Use it on the secondary server within its time.',
  },
  pairingRefused: {
    level: 'warning',
    notify: false,
    title: 'A pairing was refused',
    advice: 'See the reason.',
  },
  paired: {
    level: 'information',
    notify: true,
    title: 'The servers were paired',
    advice: 'The initial synchronisation has begun.',
  },
  unpaired: {
    level: 'warning',
    notify: true,
    title: 'The pair was dissolved',
    advice: 'The system is not protected any more.',
  },
  resynchronisationStarted: {
    level: 'information',
    notify: false,
    title: 'Resynchronisation started',
    advice: 'Wait until it is done; the standby cannot take over before.',
  },
  resynchronisationDone: {
    level: 'information',
    notify: true,
    title: 'Resynchronisation done',
    advice: 'The standby can take over.',
  },
  synchronisationFailed: {
    level: 'alert',
    notify: true,
    title: 'Synchronisation failed',
    advice: 'A take-over now could lose data. See the reason; it is tried again by itself.',
  },
  synchronisationRecovered: {
    level: 'information',
    notify: true,
    title: 'Synchronisation works again',
    advice: 'Nothing to do.',
  },
  journalCapReached: {
    level: 'alert',
    notify: true,
    title: 'The journal reached its size cap',
    advice: 'The standby was away for too long and will be copied afresh when it returns.',
  },
  captureRepaired: {
    level: 'warning',
    notify: true,
    title: 'Change capture was bypassed and has been repaired',
    advice: 'The tables named were copied afresh.',
  },
  tableQuarantined: {
    level: 'alert',
    notify: true,
    title: 'A table cannot be synchronised',
    advice: 'A take-over now would lose its changes. See the reason.',
  },
  driftFound: {
    level: 'alert',
    notify: true,
    title: 'The standby differs from the active server',
    advice: 'Repair it: `hot-standby check --repair`.',
  },
  driftRepaired: {
    level: 'information',
    notify: true,
    title: 'The differences were repaired',
    advice: 'Nothing to do.',
  },
  unsentChanges: {
    level: 'alert',
    notify: true,
    title: 'Changes had not reached the other server',
    advice:
      'They are kept in the table `unsent_change` of the hot standby schema on the server that lost them.',
  },
  peerLost: {
    level: 'alert',
    notify: true,
    title: 'The peer does not answer',
    advice: 'The system is not protected. Repair the other server.',
  },
  peerBack: {
    level: 'information',
    notify: true,
    title: 'The peer answers again',
    advice: 'Nothing to do.',
  },
  heartbeatLate: {
    level: 'warning',
    notify: false,
    title: 'Heartbeats come late',
    advice: 'Look at the load of both servers and at the network between them.',
  },
  failoverStarted: {
    level: 'alert',
    notify: true,
    title: 'Failover started',
    advice: 'This server takes over the PBX system.',
  },
  failoverDone: {
    level: 'alert',
    notify: true,
    title: 'Failover done',
    advice: 'This server is active now. Repair the other server as soon as possible.',
  },
  takeOverRefused: {
    level: 'alert',
    notify: true,
    title: 'A take-over did not happen',
    advice: 'See the reason.',
  },
  takeOverStarted: {
    level: 'information',
    notify: false,
    title: 'Take-over started',
    advice: 'Wait until it is done.',
  },
  takeOverDone: {
    level: 'information',
    notify: true,
    title: 'Take-over done',
    advice: 'This server is active now.',
  },
  takeOverRolledBack: {
    level: 'warning',
    notify: true,
    title: 'A take-over failed and was rolled back',
    advice: 'See the reason; the server that was active still is.',
  },
  steppedDown: {
    level: 'alert',
    notify: true,
    title: 'This server stepped down',
    advice: 'See the reason.',
  },
  becameStandby: {
    level: 'information',
    notify: false,
    title: 'This server is standby now',
    advice: 'Nothing to do.',
  },
  becameActive: {
    level: 'information',
    notify: false,
    title: 'This server is active now',
    advice: 'Nothing to do.',
  },
  splitFound: {
    level: 'alert',
    notify: true,
    title: 'Both servers were active',
    advice: 'The one with the lower term has stepped down; look at its unsent changes.',
  },
  virtualIpRestored: {
    level: 'warning',
    notify: true,
    title: 'The virtual IP had been removed and was restored',
    advice: 'Find out which program removes addresses from the interface.',
  },
  virtualIpConflict: {
    level: 'alert',
    notify: true,
    title: 'Another device answers for the virtual IP',
    advice: 'Remove the address from the other device.',
  },
  virtualIpFailed: {
    level: 'alert',
    notify: true,
    title: 'The virtual IP could not be set',
    advice: 'Check the interface and the rights of the agent.',
  },
  serviceUnhealthy: {
    level: 'alert',
    notify: true,
    title: 'The telephony service is unhealthy',
    advice: 'See the reason.',
  },
  serviceRecovered: {
    level: 'information',
    notify: true,
    title: 'The telephony service is healthy again',
    advice: 'Nothing to do.',
  },
  databaseLost: {
    level: 'alert',
    notify: true,
    title: 'The database does not answer',
    advice: 'Start PostgreSQL on this server.',
  },
  databaseBack: {
    level: 'information',
    notify: true,
    title: 'The database answers again',
    advice: 'Nothing to do.',
  },
  referenceLost: {
    level: 'warning',
    notify: true,
    title: 'No reference address answers',
    advice: 'Check the gateway and the network connection of this server.',
  },
  referenceBack: {
    level: 'information',
    notify: false,
    title: 'A reference address answers again',
    advice: 'Nothing to do.',
  },
  requirementFailed: {
    level: 'warning',
    notify: true,
    title: 'A requirement of the pair is not met any more',
    advice: 'See the reason; a take-over may not work.',
  },
  requirementMet: {
    level: 'information',
    notify: false,
    title: 'A requirement of the pair is met again',
    advice: 'Nothing to do.',
  },
  maintenanceStarted: {
    level: 'information',
    notify: true,
    title: 'Maintenance mode started',
    advice: 'Nobody takes over until it ends.',
  },
  maintenanceEnded: {
    level: 'information',
    notify: true,
    title: 'Maintenance mode ended',
    advice: 'The system is protected again.',
  },
  notificationFailed: {
    level: 'warning',
    notify: false,
    title: 'A notification could not be delivered',
    advice: 'Check the SMTP settings; it is tried again by itself.',
  },
  writeRefused: {
    level: 'information',
    notify: false,
    title: 'The config lock refused a change',
    advice: 'Configure the active server.',
  },
} as const satisfies Record<string, EventKindDefinition>

export type EventKind = keyof typeof EVENT_KINDS
