import { readFileSync } from 'node:fs'

/** Version of this package; the file lies one folder higher in the source tree than in the built one. */
export const PACKAGE_VERSION: string = readVersion(['../../package.json', '../../../package.json'])

function readVersion(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const text = readFileSync(new URL(candidate, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // The other candidate is the right one.
    }
  }
  return 'unknown'
}
