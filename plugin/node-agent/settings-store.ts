import { join } from 'node:path'
import { parseStoredSettings, type PresentSettings } from '../config/settings-schema.ts'
import { stateUnreadable } from '../files/durable-file.ts'
import { readJson, writeJsonDurably } from '../files/json-file.ts'

/** What the administrator set, in `settings.json` of the state directory; null where nothing was set yet. */
export type StoredSettings = PresentSettings

const REMEDY = 'Restore settings.json from a backup, or remove it and set this server up again.'

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
  let current = checked(path, await readJson(path, REMEDY))
  return {
    current: () => current,
    async save(settings) {
      await writeJsonDurably(path, settings)
      current = settings
      await changed(settings)
    },
  }
}

/** A file that was edited by hand is refused at the start, not somewhere in the middle of a take-over. */
function checked(path: string, found: unknown): StoredSettings {
  if (found === null) return { server: null, pair: null }
  const { settings, wrong } = parseStoredSettings(found)
  if (settings !== null) return settings
  throw stateUnreadable(`${path} is damaged: ${wrong.join(', ')}`, undefined, REMEDY)
}
