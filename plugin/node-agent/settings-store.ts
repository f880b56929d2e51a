import { join } from 'node:path'
import type { PairSettings, ServerSettings } from '../core/settings.ts'
import { readIfThere, stateUnreadable, writeDurably } from '../files/durable-file.ts'

/** What the administrator set, in `settings.json` of the state directory; null where nothing was set yet. */
export interface StoredSettings {
  readonly server: ServerSettings | null
  readonly pair: PairSettings | null
}

export interface SettingsStore {
  current(): StoredSettings
  /** Durable, then used. */
  save(settings: StoredSettings): Promise<void>
}

/** Reads the file once; `changed` is called after each change is durable. Errors: HS_STATE_UNREADABLE. */
export async function openSettingsStore(
  stateDirectory: string,
  changed: (settings: StoredSettings) => Promise<void>,
): Promise<SettingsStore> {
  const path = join(stateDirectory, 'settings.json')
  let current = parse(path, await readIfThere(path))
  return {
    current: () => current,
    async save(settings) {
      await writeDurably(path, `${JSON.stringify(settings, null, 2)}\n`)
      current = settings
      await changed(settings)
    },
  }
}

function parse(path: string, text: string | null): StoredSettings {
  if (text === null) return { server: null, pair: null }
  try {
    return JSON.parse(text) as StoredSettings
  } catch (cause) {
    const remedy = 'Restore settings.json from a backup, or remove it and set this server up again.'
    throw stateUnreadable(`${path} is damaged`, cause, remedy)
  }
}
