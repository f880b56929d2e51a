import type { EventLevel } from './settings.ts'

/** What is known of a kind of event, whatever its cause this time. */
export interface EventKindDefinition {
  readonly level: EventLevel
  /** Told to the contacts of the level, unless the administrator chose otherwise. */
  readonly notify: boolean
  /** Which server tells it when both see it: the active one only, or each its own. */
  readonly toldBy: 'active' | 'each'
  /** Subject line and heading. */
  readonly title: string
  /** What it means for the people who use the PBX. */
  readonly meaning: string
  /** What to do. */
  readonly advice: string
}
