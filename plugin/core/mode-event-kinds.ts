import type { EventKindDefinition } from './event-kind-definition.ts'

/** Events of maintenance mode and of the switch of automatic take-over; part of `EVENT_KINDS`. */
export const MODE_EVENT_KINDS = {
  maintenanceStarted: {
    level: 'information',
    notify: true,
    toldBy: 'active',
    title: 'Maintenance mode started',
    meaning: 'Calls go on, but nobody takes over until it ends.',
    advice: 'End it when the work is done; it ends by itself at the time given.',
  },
  maintenanceEnded: {
    level: 'information',
    notify: true,
    toldBy: 'active',
    title: 'Maintenance mode ended',
    meaning: 'The standby takes over again when the active server fails.',
    advice: 'Nothing to do.',
  },
  unsentSettled: {
    level: 'information',
    notify: false,
    toldBy: 'each',
    title: 'Unsent changes were settled',
    meaning: 'What was applied again is on both servers.',
    advice: 'Nothing to do.',
  },
  modeAskedFor: {
    level: 'information',
    notify: false,
    toldBy: 'each',
    title: 'The administrator set a mode of the pair',
    meaning: 'Nothing changes for users.',
    advice: 'Nothing to do.',
  },
  automaticTakeOverOff: {
    level: 'warning',
    notify: true,
    toldBy: 'active',
    title: 'Automatic take-over was switched off',
    meaning: 'Calls go on, but when the active server fails, nobody takes over by itself.',
    advice: 'Switch it on again when the work is done: `hot-standby automatic on`.',
  },
  automaticTakeOverOn: {
    level: 'information',
    notify: true,
    toldBy: 'active',
    title: 'Automatic take-over is on again',
    meaning: 'The standby takes over again when the active server fails.',
    advice: 'Nothing to do.',
  },
  automaticTakeOverHeld: {
    level: 'alert',
    notify: true,
    toldBy: 'active',
    title: 'The active role changed too often',
    meaning: 'Calls go on, but when the active server fails, nobody takes over by itself.',
    advice: 'Find out why the role moves, then run `hot-standby automatic on`.',
  },
} as const satisfies Record<string, EventKindDefinition>
