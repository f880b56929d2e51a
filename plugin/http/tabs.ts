import type { Translate } from './i18n/catalogue.ts'

export interface Tab {
  readonly href: string
  readonly title: string
  readonly current: boolean
}

const TABS: readonly (readonly [path: string, name: string])[] = [
  ['', 'status'],
  ['set-up', 'setUp'],
  ['take-over', 'takeOver'],
  ['unsent', 'unsent'],
  ['maintenance', 'maintenance'],
  ['synchronisation', 'synchronisation'],
  ['history', 'history'],
  ['notifications', 'notifications'],
]

/** The plugin's own menu; `path` is the request's path below the mount, null elsewhere. */
export function tabsFor(base: string, path: string | null, t: Translate): readonly Tab[] {
  const at = path === null ? null : (path.split('/')[1] ?? '')
  return TABS.map(([folder, name]) => ({
    href: `${base}/${folder}`,
    title: t(`tab.${name}`),
    current: folder === at,
  }))
}
