import { readFileSync } from 'node:fs'

/** Version of this package; its package.json lies one folder higher in the built tree than in the source tree. */
export const PACKAGE_VERSION: string = readVersion(['../package.json', '../../package.json'])

function readVersion(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const text = readFileSync(new URL(candidate, import.meta.url), 'utf8')
      const { name, version } = JSON.parse(text) as { name?: string; version?: string }
      if (name === 'pbx-hot-standby' && version !== undefined) return version
    } catch {
      // Not this level: the other one is tried.
    }
  }
  return 'unknown'
}
