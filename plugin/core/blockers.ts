import type { RequirementResult } from './requirements.ts'
import type { Role } from './facts.ts'
import type { AutomaticTakeOver } from './modes.ts'

export interface Blocker {
  readonly id: string
  /** It keeps a server from taking over by itself; the administrator may all the same. */
  readonly onlyAutomatic?: true
  /** "A take-over now would fail or lose data because …" */
  readonly reason: string
  readonly remedy: string
}

/** Both servers as the one that asks sees them; `standby` is the one that would take over. */
export interface BlockerInput {
  readonly paired: boolean
  /** This server's role: the blockers are those of whichever server is standby. */
  readonly role: Role
  readonly peerHeard: boolean
  readonly peerRole: Role | null
  readonly standby: {
    readonly inSync: boolean
    readonly databaseUp: boolean
    readonly diskWritable: boolean
    readonly carrierUp: boolean
    readonly referenceReachable: boolean | null
    /** Why it is not in sync, in words; null when there is nothing to say. */
    readonly syncReason: string | null
  }
  readonly maintenance: boolean
  readonly automatic: AutomaticTakeOver
  readonly quarantinedTables: readonly string[]
  readonly requirements: readonly RequirementResult[]
}

/** Why a take-over now would fail or lose data; empty when it would work. */
export function blockersOf(input: BlockerInput): Blocker[] {
  if (!input.paired) return []
  const rules: readonly (Blocker | null)[] = [
    peerBlocker(input),
    diskBlocker(input),
    databaseBlocker(input),
    syncBlocker(input),
    carrierBlocker(input),
    referenceBlocker(input),
    input.maintenance
      ? {
          id: 'maintenance',
          reason: 'maintenance mode is on',
          remedy: 'End it, or wait until it ends by itself.',
        }
      : null,
    automaticBlocker(input),
    quarantineBlocker(input),
    ...input.requirements.map(requirementBlocker),
  ]
  return rules.filter((blocker) => blocker !== null)
}

function peerBlocker({ role, peerHeard, peerRole }: BlockerInput): Blocker | null {
  const remedy = 'Repair the other server, and check the network between the two.'
  if (!peerHeard) {
    const reason =
      role === 'active' ? 'the standby does not answer' : 'the active server does not answer'
    return { id: 'peerSilent', reason, remedy }
  }
  if (role === 'active' && peerRole === 'fault')
    return {
      id: 'peerFault',
      reason: 'the standby is at fault',
      remedy: 'See its page or log for the reason.',
    }
  return null
}

function databaseBlocker({ standby, peerHeard, role }: BlockerInput): Blocker | null {
  if (standby.databaseUp || (role === 'active' && !peerHeard)) return null
  return {
    id: 'standbyDatabaseDown',
    reason: 'the database of the standby does not answer',
    remedy: 'Start PostgreSQL on the standby.',
  }
}

function diskBlocker({ standby }: BlockerInput): Blocker | null {
  if (standby.diskWritable) return null
  return {
    id: 'standbyDiskFailed',
    reason: 'the disk of the standby cannot be written to',
    remedy: 'Make room on it, or find out why it is read-only.',
  }
}

function syncBlocker({ standby }: BlockerInput): Blocker | null {
  if (standby.inSync) return null
  const why = standby.syncReason === null ? '' : `: ${standby.syncReason}`
  return {
    id: 'notInSync',
    reason: `the standby is not in sync${why}`,
    remedy: 'Wait until it has caught up; it is tried again by itself.',
  }
}

function carrierBlocker({ standby }: BlockerInput): Blocker | null {
  if (standby.carrierUp) return null
  return {
    id: 'noCarrier',
    reason: 'the network cable of the standby is not connected',
    remedy: 'Connect the LAN port of the standby.',
  }
}

/** Unknown is not a blocker: the addresses are asked again soon. */
function referenceBlocker({ standby }: BlockerInput): Blocker | null {
  if (standby.referenceReachable !== false) return null
  return {
    id: 'referenceUnreachable',
    reason:
      'no reference address answers the standby, so it could not tell a dead peer from its own isolation',
    remedy: 'Check the gateway and the reference addresses in the settings.',
  }
}

function automaticBlocker({ automatic }: BlockerInput): Blocker | null {
  switch (automatic) {
    case 'on':
      return null
    case 'off':
      return {
        id: 'automaticOff',
        onlyAutomatic: true,
        reason: 'automatic take-over is switched off',
        remedy: 'Switch it on again: `hot-standby automatic on`.',
      }
    case 'held':
      return {
        id: 'automaticHeld',
        onlyAutomatic: true,
        reason: 'the role has changed too often, so automatic take-over is held',
        remedy: 'Find out why the role moves, then run `hot-standby automatic on`.',
      }
  }
}

function quarantineBlocker({ quarantinedTables: tables }: BlockerInput): Blocker | null {
  if (tables.length === 0) return null
  return {
    id: 'quarantinedTables',
    reason: `${tables.length === 1 ? 'a table is' : 'tables are'} not synchronised: ${tables.join(', ')}`,
    remedy: 'See the reason in the list of tables, then run `hot-standby resynchronise`.',
  }
}

function requirementBlocker(result: RequirementResult): Blocker | null {
  if (result.met || !result.mandatory) return null
  const reason = `a requirement is not met: ${result.title} (here ${result.own}, peer ${result.peer})`
  return { id: `requirement:${result.id}`, reason, remedy: result.remedy }
}
