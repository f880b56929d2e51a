import type { StatusDocument } from '../plugin/api/status-document.ts'

/** A setting of the platform that the pair stands on. */
export type FrozenSetting = 'hostName' | 'address' | 'prefixLength' | 'networkInterface'

/** What must not be changed now, and why, in the language of the request. */
export interface FrozenSettings {
  readonly settings: readonly FrozenSetting[]
  readonly reason: string
}

/** What the freeze needs to know; the same as the config lock. */
export interface FrozenPorts {
  readonly status: () => Promise<StatusDocument>
  readonly lastStatus: () => StatusDocument | null
  readonly isPairedInDatabase: (() => Promise<boolean>) | null
}

const SETTINGS: readonly FrozenSetting[] = [
  'hostName',
  'address',
  'prefixLength',
  'networkInterface',
]

/**
 * While the servers are a pair they find each other by these settings, on the active as on the standby: they change
 * only after the pair was dissolved. Fails closed, like the config lock: a server that may be paired is taken for it.
 */
export async function frozenSettings(
  ports: FrozenPorts,
): Promise<{ readonly settings: readonly FrozenSetting[] } | null> {
  return (await mayBePaired(ports)) ? { settings: SETTINGS } : null
}

async function mayBePaired(ports: FrozenPorts): Promise<boolean> {
  try {
    return (await ports.status()).setUp === 'paired'
  } catch {
    const last = ports.lastStatus()
    if (last !== null) return last.setUp === 'paired'
    if (ports.isPairedInDatabase === null) return true
    return ports.isPairedInDatabase().catch(() => true)
  }
}
