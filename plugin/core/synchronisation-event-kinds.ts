import type { EventKindDefinition } from './event-kind-definition.ts'

/** Kinds of events about the data: copy, changes, differences, database. */
export const SYNCHRONISATION_EVENT_KINDS = {
  resynchronisationStarted: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'Resynchronisation started',
    meaning: 'Calls go on. The standby is copied afresh and cannot take over before it is done.',
    advice: 'Wait until it is done.',
  },
  resynchronisationDone: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'Resynchronisation done',
    meaning: 'The system is protected: the standby has everything and can take over.',
    advice: 'Nothing to do.',
  },
  synchronisationFailed: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'Synchronisation failed',
    meaning: 'Calls go on. A take-over now could lose the latest changes.',
    advice: 'See the reason; it is tried again by itself.',
  },
  synchronisationRecovered: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'Synchronisation works again',
    meaning: 'The standby gets all changes again.',
    advice: 'Nothing to do.',
  },
  synchronisationBehind: {
    level: 'warning',
    notify: true,
    toldBy: 'active',
    title: 'The standby is behind',
    meaning:
      'Calls go on. A take-over now would lose the changes that the standby has not got yet.',
    advice: 'Look at the load of the standby and at the network between the servers.',
  },
  synchronisationCaughtUp: {
    level: 'information',
    notify: true,
    toldBy: 'active',
    title: 'The standby has caught up',
    meaning: 'The standby has all changes again.',
    advice: 'Nothing to do.',
  },
  journalCapReached: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'The journal reached its size cap',
    meaning:
      'Calls go on. The standby was away for too long and will be copied afresh when it returns; until then it cannot take over.',
    advice: 'Repair the standby. If this happens often, raise `database.journalCapBytes`.',
  },
  captureRepaired: {
    level: 'warning',
    notify: true,
    toldBy: 'each',
    title: 'Change capture was bypassed and has been repaired',
    meaning: 'Calls go on. The tables named were copied afresh, so the standby has everything.',
    advice:
      'Find out which program disables triggers or restores tables, and run `hot-standby migrate` after it.',
  },
  tableQuarantined: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'A table cannot be synchronised',
    meaning: 'Calls go on. A take-over now would lose the changes of this table.',
    advice: 'See the reason; as a rule the table differs between the servers.',
  },
  notSynchronised: {
    level: 'warning',
    notify: true,
    toldBy: 'active',
    title: 'Something cannot be synchronised',
    meaning: 'Calls go on. After a take-over what is named would be missing or as it was before.',
    advice:
      'See the reason. Exclude what belongs to one server, and keep the rest in ordinary tables.',
  },
  tableRecovered: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'A table is synchronised again',
    meaning: 'The standby gets all changes of this table again.',
    advice: 'Nothing to do.',
  },
  driftFound: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'The standby differs from the active server',
    meaning: 'Calls go on. After a take-over the rows named would be wrong.',
    advice: 'Repair it: `hot-standby check --repair`.',
  },
  driftRepaired: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'The differences were repaired',
    meaning: 'Both servers have the same rows again.',
    advice: 'Nothing to do.',
  },
  copyGaveWay: {
    level: 'information',
    notify: false,
    toldBy: 'each',
    title: 'The copy of the standby made room for a change of the schema',
    meaning:
      'Calls go on. The copy goes on by itself with what is left; the system is protected later.',
    advice:
      'Nothing to do. If it happens again and again, wait with migrations until the copy is done.',
  },
  longTransaction: {
    level: 'warning',
    notify: true,
    toldBy: 'each',
    title: 'A transaction has been open for long',
    meaning:
      'Calls go on and changes are synchronised. The database cannot clean up, and grows until the transaction ends.',
    advice: 'Find the program that left it open, and end it; prepared transactions too.',
  },
  longTransactionEnded: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'The long transaction has ended',
    meaning: 'The database cleans up again.',
    advice: 'Nothing to do.',
  },
  savesUnconfirmed: {
    level: 'warning',
    notify: true,
    toldBy: 'each',
    title: 'Saves are not confirmed by the standby',
    meaning:
      'Calls go on and saves are on the active server, but whoever saves is told that the standby may not have it yet.',
    advice: 'Look at the load of the standby and at the network between the servers.',
  },
  savesConfirmed: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'Saves are confirmed by the standby again',
    meaning: 'What is saved is on both servers.',
    advice: 'Nothing to do.',
  },
  unsentChanges: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'Changes had not reached the other server',
    meaning:
      'The changes named were saved on the server that failed and are missing on the one that serves.',
    advice:
      'They are kept in the table `unsent_change` of the hot standby schema on the server that lost them.',
  },
  databaseLost: {
    level: 'alert',
    notify: true,
    toldBy: 'each',
    title: 'The database does not answer',
    meaning:
      'On the active server: the PBX works partly or not at all. On the standby: it cannot take over.',
    advice: 'Start PostgreSQL on this server.',
  },
  databaseBack: {
    level: 'information',
    notify: true,
    toldBy: 'each',
    title: 'The database answers again',
    meaning: 'The PBX can work with its data again.',
    advice: 'Nothing to do.',
  },
} as const satisfies Record<string, EventKindDefinition>
