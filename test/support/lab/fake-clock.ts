import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LIBRARIES = '/usr/lib'
const LIBRARY = 'faketime/libfaketimeMT.so.1'

/** A wall clock for the processes of one server, which a test can set; all clocks that count from the start go on. */
export interface FakeClock {
  /** Stands before a command. */
  readonly prefix: readonly string[]
  /** Jumps at once, for all that runs and will run. */
  set(offsetSeconds: number): void
}

/** The reason where there is no library for it; null where there is. */
export function missingFakeClock(): string | null {
  return library() === null ? 'there is no libfaketime here (Debian: libfaketime)' : null
}

export function createFakeClock(folder: string): FakeClock {
  const file = join(folder, 'clock')
  const set = (offsetSeconds: number): void => {
    // Renamed, so that nobody reads half a number.
    writeFileSync(`${file}.new`, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}s\n`)
    renameSync(`${file}.new`, file)
  }
  set(0)
  const variables = {
    LD_PRELOAD: library() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  return { prefix: ['env', ...words], set }
}

function library(): string | null {
  const found = readdirSync(LIBRARIES).map((each) => join(LIBRARIES, each, LIBRARY))
  return found.find((path) => existsSync(path)) ?? null
}
