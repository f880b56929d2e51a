import type { Command } from 'commander'
import type { SettingsInput } from '../../api/agent-api.ts'
import type { Identity } from '../../core/facts.ts'
import type { AddCommand, MakeAction } from '../command-context.ts'
import { parseContact } from '../parse-contact.ts'
import { parseDurationMs, parseWholeNumber } from '../units.ts'
import { accessCodeLines } from './access-code.ts'

interface SetupOptions {
  readonly virtualIp?: string
  readonly gate?: boolean
  readonly keepAlive?: number
  readonly deadTime?: number
  readonly reference?: readonly string[]
  readonly coldStartAlone?: boolean
  readonly contact?: readonly Record<string, unknown>[]
  readonly hostName?: string
  readonly interface?: string
  readonly peer?: string
  readonly peerPort?: number
  readonly expectedSerial?: string
  readonly excludeTable?: readonly string[] | false
  readonly excludeColumn?: readonly string[] | false
  readonly confirmSaves?: number | false
  readonly accessCode: boolean
}

export const addSetup: AddCommand = (program, action) => {
  const setup = program
    .command('setup')
    .description('configure this server; what is not given keeps its value')
  const primary = addIdentity(setup, action, 'primary')
  primary
    .option('--virtual-ip <address/prefix>', 'always on the active server: 192.168.1.10/24')
    .option('--gate', 'nftables shuts the virtual IP to the millisecond when this server fails')
    .option('--no-gate', 'the virtual IP ends on whole seconds when this server fails')
    .option('--keep-alive <seconds>', 'interval of the heartbeats', parseDurationMs)
    .option(
      '--dead-time <seconds>',
      'silence after which the peer counts as failed',
      parseDurationMs,
    )
    .option(
      '--reference <address>',
      'network connection detection, repeat for more',
      collect(String),
    )
    .option('--cold-start-alone', 'after a power cut, start without the peer when data was in sync')
    .option('--no-cold-start-alone', 'after a power cut, wait for the peer')
    .option(
      '--exclude-table <table>',
      'each server keeps this table for itself, repeat for more; replaces those named before',
      collect(String),
    )
    .option('--no-exclude-table', 'synchronise all tables again')
    .option(
      '--exclude-column <table.column>',
      'each server keeps its own value of this column, repeat for more; replaces those named before',
      collect(String),
    )
    .option('--no-exclude-column', 'synchronise all columns again')
    .option(
      '--confirm-saves <seconds>',
      'answer a save when it is on both servers, or after this time',
      parseDurationMs,
    )
    .option('--no-confirm-saves', 'saves do not wait for the standby')
    .option(
      '--contact <contact>',
      "gets the mails: 'Name <mail>' or 'Name <mail>:warning,alert', repeat for more",
      collect(parseContact),
    )
    .option('--no-access-code', 'do not make an access code')
  addIdentity(setup, action, 'secondary')
}

function addIdentity(setup: Command, action: MakeAction, identity: Identity): Command {
  return setup
    .command(identity)
    .description(
      identity === 'primary'
        ? 'this server is the primary; prints a one-time access code'
        : 'this server is the secondary; gets the settings of the pair from the primary',
    )
    .option('--host-name <name>', 'name of this server in pages and mails')
    .option('--interface <name>', 'the LAN interface')
    .option('--peer <address>', "the other server's own address")
    .option('--peer-port <port>', "the other agent's port", parseWholeNumber)
    .option('--expected-serial <number>', 'only the peer with this serial number may pair')
    .action(
      action<SetupOptions>(async (context, options) => {
        const agent = context.agent()
        const saved = await agent.saveSettings(toSettingsInput(identity, options))
        const paired = (await agent.status()).setUp === 'paired'
        const savedLine = `This server is set up as ${identity}.`
        if (identity === 'secondary')
          return { document: saved, lines: [savedLine, ...(paired ? [] : NEXT_ON_SECONDARY)] }
        if (paired || !options.accessCode) return { document: saved, lines: [savedLine] }
        const accessCode = await agent.makeAccessCode()
        return {
          document: { ...saved, ...accessCode },
          lines: [savedLine, ...accessCodeLines(accessCode)],
        }
      }),
    )
}

const NEXT_ON_SECONDARY = [
  'Pair it with the code that the primary printed:',
  '  hot-standby join --peer PRIMARY --access-code CODE',
]

/** Only what was given: the agent completes it with the present settings and checks the whole. */
export function toSettingsInput(
  identity: Identity,
  options: Partial<SetupOptions>,
): Required<SettingsInput> {
  const server = {
    identity,
    hostName: options.hostName,
    networkInterface: options.interface,
    peerAddress: options.peer,
    peerPort: options.peerPort,
    expectedPeerSerialNumber: options.expectedSerial,
  }
  const pair = {
    virtualIp: toVirtualIp(options),
    keepAliveIntervalMs: options.keepAlive,
    deadTimeMs: options.deadTime,
    referenceAddresses: options.reference,
    coldStartAlone: options.coldStartAlone,
    contacts: options.contact,
    exclude: toExclusions(options),
    confirmSavesMs: options.confirmSaves === false ? null : options.confirmSaves,
  }
  return { server: withoutUndefined(server), pair: withoutUndefined(pair) }
}

/** A list that is not named keeps its value. */
function toExclusions({
  excludeTable,
  excludeColumn,
}: Partial<SetupOptions>): Record<string, unknown> | undefined {
  const lists = withoutUndefined({
    tables: excludeTable === false ? [] : excludeTable,
    columns: excludeColumn === false ? [] : excludeColumn,
  })
  return Object.keys(lists).length === 0 ? undefined : lists
}

/** A missing prefix stays missing: the agent says so, with field, value and remedy. */
function toVirtualIp({
  virtualIp,
  gate,
}: Partial<SetupOptions>): Record<string, unknown> | undefined {
  const [address, prefix] = virtualIp?.split('/') ?? []
  const prefixLength = prefix !== undefined && /^\d+$/.test(prefix) ? Number(prefix) : prefix
  const given = withoutUndefined({ address, prefixLength, gate })
  return Object.keys(given).length === 0 ? undefined : given
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

function collect<T>(parse: (text: string) => T): (text: string, before?: readonly T[]) => T[] {
  return (text, before = []) => [...before, parse(text)]
}
