export interface Tab {
  readonly href: string
  readonly title: string
  readonly current: boolean
}

const TABS = [
  ['', 'Status'],
  ['set-up', 'Set-up'],
  ['take-over', 'Take-over'],
  ['synchronisation', 'Synchronisation'],
  ['history', 'History'],
  ['notifications', 'Notifications'],
] as const

/** The plugin's own menu; `path` is the request's path below the mount, null elsewhere. */
export function tabsFor(base: string, path: string | null): readonly Tab[] {
  const at = path === null ? null : (path.split('/')[1] ?? '')
  return TABS.map(([name, title]) => ({
    href: `${base}/${name}`,
    title,
    current: name === at,
  }))
}
