import type { StatusDocument } from '../api/status-document.ts'
import type { KnownStatus } from './status-watch.ts'
import type { Language } from './i18n/language.ts'
import { healthPill, rolePill, type Tone } from './view-models/words.ts'

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
export function createViewLocals(
  known: () => KnownStatus,
  basePath: string,
  language: Language,
): ViewLocals {
  return {
    get banner() {
      return bannerOf(known(), basePath, language)
    },
    get titlePrefix() {
      const { status, reachable } = known()
      if (status?.setUp !== 'paired') return ''
      // Nobody knows what this server is while its agent is silent, so the title does not say it.
      const role = reachable === false ? 'unknown' : status.server.role
      return `[${language.t(`role.${role}`)}] `
    },
    get menuEntry() {
      const { status, reachable } = known()
      const badge = badgeOf(status, reachable, language)
      return { href: `${basePath}/`, title: language.t('menu.title'), badge }
    },
  }
}

function bannerOf(
  { status, reachable }: KnownStatus,
  basePath: string,
  language: Language,
): Banner | null {
  if (reachable === false) {
    if (status?.setUp === 'notSetUp') return null
    const { t } = language
    return {
      level: 'bad',
      role: t('banner.noAgent'),
      text: t('banner.noAgentText'),
      href: `${basePath}/`,
      linkText: t('banner.whatToDo'),
    }
  }
  if (status?.setUp !== 'paired') return null
  const banner = roleBanner(status, basePath, language)
  const mode = modeText(status, language)
  return mode === null
    ? banner
    : {
        ...banner,
        level: banner.level === 'bad' ? 'bad' : 'warning',
        text: `${banner.text} ${mode}`,
      }
}

/** What keeps the pair from taking over by itself stands on every page until it is over. */
function modeText(status: StatusDocument, { t, duration }: Language): string | null {
  const { maintenance, automaticTakeOver } = status
  if (maintenance?.remainingMs === null) return t('banner.maintenanceOpen')
  if (maintenance !== null)
    return t('banner.maintenance', { remaining: duration(maintenance.remainingMs) })
  return automaticTakeOver.state === 'on' ? null : t(`banner.automatic.${automaticTakeOver.state}`)
}

function roleBanner(status: StatusDocument, basePath: string, language: Language): Banner {
  return status.server.role === 'active'
    ? activeBanner(status, basePath, language)
    : standbyBanner(status, basePath, language)
}

function activeBanner(status: StatusDocument, basePath: string, language: Language): Banner {
  const { t, say } = language
  const { title, tone } = healthPill(status.health.word, language)
  const isHealthy = status.health.word === 'healthy'
  return {
    level: tone,
    role: t('banner.active'),
    text: isHealthy ? synchronisation(status, language) : `${title}: ${say(status.health.meaning)}`,
    href: isHealthy ? null : `${basePath}/`,
    linkText: isHealthy ? null : t('banner.show'),
  }
}

function standbyBanner(status: StatusDocument, basePath: string, language: Language): Banner {
  const { t, say } = language
  const { role } = status.server
  const isTold = ['healthy', 'synchronising'].includes(status.health.word)
  const hasActive = status.configLock.activeAddress !== null
  return {
    level: isTold ? 'info' : healthPill(status.health.word, language).tone,
    role:
      role === 'standby'
        ? t('banner.standby')
        : t('banner.otherRole', { role: rolePill(role, language).title }),
    text: isTold ? synchronisation(status, language) : say(status.health.meaning),
    href: hasActive ? `${basePath}/active` : `${basePath}/`,
    linkText: hasActive ? t('banner.toActive') : t('banner.show'),
  }
}

function synchronisation({ replication }: StatusDocument, { t, duration }: Language): string {
  if (replication.inSync) return t('banner.inSync')
  const { lag } = replication
  return lag === null
    ? t('banner.notInSync')
    : t('banner.behind', { lag: duration(lag.ageMs), rows: lag.rows })
}

function badgeOf(
  status: StatusDocument | null,
  reachable: boolean | null,
  language: Language,
): string | null {
  if (reachable === false) return language.t('menu.noAnswer')
  if (status === null || status.health.word === 'healthy' || status.setUp === 'notSetUp')
    return null
  return healthPill(status.health.word, language).title.toLocaleLowerCase(language.tag)
}
