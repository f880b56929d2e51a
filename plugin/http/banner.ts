import type { StatusDocument } from '../api/status-document.ts'
import type { KnownStatus } from './status-watch.ts'
import { HEALTH, ROLE, type Tone } from './view-models/words.ts'
import { duration } from './view-models/format.ts'

/** For the platform's layout: `app.locals.hotStandby`. Reading it never waits and never throws. */
export interface ViewLocals {
  /** Role and synchronisation state for every page; null while there is nothing to say. */
  readonly banner: Banner | null
  /** Stands before the title of every page: `[standby] `. Empty on a server that is not in a pair. */
  readonly titlePrefix: string
  /** For the platform's System menu. */
  readonly menuEntry: MenuEntry
}

export interface Banner {
  readonly level: Tone
  readonly role: string
  readonly text: string
  /** Null when there is nothing to go to. */
  readonly href: string | null
  readonly linkText: string | null
}

export interface MenuEntry {
  readonly href: string
  readonly title: string
  /** The health in a word, when it is not healthy. */
  readonly badge: string | null
}

/** Reads what is known each time a page asks. */
export function createViewLocals(known: () => KnownStatus, basePath: string): ViewLocals {
  return {
    get banner() {
      return bannerOf(known(), basePath)
    },
    get titlePrefix() {
      const { status } = known()
      return status?.setUp === 'paired' ? `[${status.server.role}] ` : ''
    },
    get menuEntry() {
      const { status, reachable } = known()
      return { href: `${basePath}/`, title: 'Hot Standby', badge: badgeOf(status, reachable) }
    },
  }
}

function bannerOf({ status, reachable }: KnownStatus, basePath: string): Banner | null {
  if (reachable === false) {
    if (status?.setUp === 'notSetUp') return null
    return {
      level: 'bad',
      role: 'Hot standby agent does not answer.',
      text: 'The role of this server is not known, so its configuration is locked.',
      href: `${basePath}/`,
      linkText: 'What to do',
    }
  }
  if (status?.setUp !== 'paired') return null
  return status.server.role === 'active'
    ? activeBanner(status, basePath)
    : standbyBanner(status, basePath)
}

function activeBanner(status: StatusDocument, basePath: string): Banner {
  const { title, tone } = HEALTH[status.health.word]
  const isHealthy = status.health.word === 'healthy'
  return {
    level: tone,
    role: 'Active server.',
    text: isHealthy ? synchronisation(status) : `${title}: ${status.health.meaning}`,
    href: isHealthy ? null : `${basePath}/`,
    linkText: isHealthy ? null : 'Show',
  }
}

function standbyBanner(status: StatusDocument, basePath: string): Banner {
  const isTold = ['healthy', 'synchronising'].includes(status.health.word)
  const hasActive = status.configLock.activeAddress !== null
  return {
    level: isTold ? 'info' : HEALTH[status.health.word].tone,
    role: `${status.server.role === 'standby' ? 'Standby' : `In state ${ROLE[status.server.role].title}`}: configuration is locked here.`,
    text: isTold ? synchronisation(status) : status.health.meaning,
    href: hasActive ? `${basePath}/active` : `${basePath}/`,
    linkText: hasActive ? 'Go to the active server' : 'Show',
  }
}

function synchronisation({ replication }: StatusDocument): string {
  if (replication.inSync) return 'Synchronised.'
  const { lag } = replication
  return lag === null
    ? 'Not synchronised.'
    : `Not synchronised: ${duration(lag.ageMs)} and ${lag.rows} rows behind.`
}

function badgeOf(status: StatusDocument | null, reachable: boolean | null): string | null {
  if (reachable === false) return 'no answer'
  if (status === null || status.health.word === 'healthy' || status.setUp === 'notSetUp')
    return null
  return HEALTH[status.health.word].title.toLowerCase()
}
