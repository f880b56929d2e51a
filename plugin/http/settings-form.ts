import { DEFAULT_DEAD_TIME_MS, DEFAULT_KEEP_ALIVE_INTERVAL_MS } from '../core/timing.ts'
import type { SettingsInput } from '../api/agent-api.ts'
import type { StatusDocument } from '../api/status-document.ts'

type Form = Readonly<Record<string, string>>

/** The set-up form as the agent takes it; numbers stay text, the agent reads and checks them. What the form does not show stays as it is. */
export function settingsFromForm(form: Form, stored: StatusDocument['settings']): SettingsInput {
  const text = (name: string): string => (form[name] ?? '').trim()
  const lines = (name: string): readonly string[] =>
    text(name)
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '')
  const exclude = { tables: lines('pair.exclude.tables'), columns: lines('pair.exclude.columns') }
  const isNothing = exclude.tables.length === 0 && exclude.columns.length === 0
  const gate = text('pair.virtualIp.gate') === 'on'
  const textOrNull = (name: string): string | null => text(name) || null
  return {
    server: {
      identity: text('server.identity') || (stored.server?.identity ?? ''),
      hostName: text('server.hostName'),
      networkInterface: text('server.networkInterface'),
      peerAddress: textOrNull('server.peerAddress'),
      peerPort: text('server.peerPort'),
      expectedPeerSerialNumber: textOrNull('server.expectedPeerSerialNumber'),
    },
    pair: {
      virtualIp: {
        address: text('pair.virtualIp.address'),
        prefixLength: text('pair.virtualIp.prefixLength'),
        ...(gate === (stored.pair?.virtualIp.gate ?? false) ? {} : { gate }),
      },
      keepAliveIntervalMs: text('pair.keepAliveIntervalMs'),
      deadTimeMs: text('pair.deadTimeMs'),
      referenceAddresses: text('pair.referenceAddresses')
        .split(/[\s,;]+/)
        .filter((address) => address !== ''),
      coldStartAlone: text('pair.coldStartAlone') === 'on',
      contacts: stored.pair?.contacts ?? [],
      confirmSavesMs: textOrNull('pair.confirmSavesMs'),
      ...(isNothing && stored.pair?.exclude === undefined ? {} : { exclude }),
    },
  }
}

/** The contacts form: rows that are empty are left out. */
export function contactsFromForm(form: Form): {
  readonly contacts: readonly object[]
  /** Place in the list → row of the form, to put a problem beside the row it came from. */
  readonly rows: readonly number[]
} {
  const rows = Array.from({ length: MAX_CONTACTS }, (_, row) => row).filter((row) =>
    ['name', 'email'].some((field) => (form[`contacts.${row}.${field}`] ?? '').trim() !== ''),
  )
  const contacts = rows.map((row) => ({
    name: (form[`contacts.${row}.name`] ?? '').trim(),
    email: (form[`contacts.${row}.email`] ?? '').trim(),
    levels: ['information', 'warning', 'alert'].filter(
      (level) => form[`contacts.${row}.${level}`] === 'on',
    ),
  }))
  return { contacts, rows }
}

const MAX_CONTACTS = 50

/** What is stored, as the form shows it. */
export function formFromSettings(status: StatusDocument): Form {
  const { server, pair } = status.settings
  const facts = status.server.facts
  return {
    'server.identity': server?.identity ?? '',
    'server.hostName': server?.hostName ?? facts?.hostName ?? '',
    'server.networkInterface': server?.networkInterface ?? facts?.network.interfaceName ?? '',
    'server.peerAddress': server?.peerAddress ?? '',
    'server.peerPort': String(server?.peerPort ?? DEFAULTS.peerPort),
    'server.expectedPeerSerialNumber': server?.expectedPeerSerialNumber ?? '',
    'pair.virtualIp.address': pair?.virtualIp.address ?? '',
    'pair.virtualIp.prefixLength': String(
      pair?.virtualIp.prefixLength ?? facts?.network.prefixLength ?? DEFAULTS.prefixLength,
    ),
    'pair.virtualIp.gate': pair?.virtualIp.gate === true ? 'on' : '',
    'pair.keepAliveIntervalMs': String(pair?.keepAliveIntervalMs ?? DEFAULT_KEEP_ALIVE_INTERVAL_MS),
    'pair.deadTimeMs': String(pair?.deadTimeMs ?? DEFAULT_DEAD_TIME_MS),
    'pair.referenceAddresses': (pair?.referenceAddresses ?? []).join('\n'),
    'pair.exclude.tables': (pair?.exclude?.tables ?? []).join('\n'),
    'pair.exclude.columns': (pair?.exclude?.columns ?? []).join('\n'),
    'pair.confirmSavesMs': String(pair?.confirmSavesMs ?? ''),
    'pair.coldStartAlone': pair?.coldStartAlone === false ? '' : 'on',
  }
}

const DEFAULTS = { peerPort: 7421, prefixLength: 24 } as const
