import type { FrozenSetting } from '../../../plugin/index.ts'
import type { Role } from '../web/session.ts'

/** One field of a form, its column and its rules. The column has the name of the field. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'number' | 'boolean' | 'choice' | 'reference' | 'destination' | 'secret'
  readonly required?: boolean
  readonly help?: string
  readonly pattern?: RegExp
  /** What to write instead, when the pattern does not match. */
  readonly patternMessage?: string
  readonly smallest?: number
  readonly largest?: number
  readonly longest?: number
  readonly choices?: readonly Choice[]
  readonly reference?: { readonly table: string; readonly label: string }
  /** What the hot standby calls it: not to be changed while the servers are a pair. */
  readonly frozenAs?: FrozenSetting
  /** What an empty new form shows. */
  readonly initial?: string
}

export interface Choice {
  readonly value: string
  readonly label: string
}

/** What belongs to the resource one to one, in a table of its own: `voicemail.pin`. */
export interface Detail {
  readonly name: string
  readonly title: string
  readonly table: string
  readonly key: string
  readonly fields: readonly Field[]
}

/** A list inside the resource: `members.0.extension_id`. */
export interface RowList {
  readonly name: string
  readonly title: string
  readonly table: string
  readonly key: string
  readonly orderBy: string
  /** A column that gets the place in the list. */
  readonly position?: string
  /** No two rows have the same value here. */
  readonly distinct?: string
  readonly fields: readonly Field[]
}

/** One page of the configuration: list, form, and the same over the API. */
export interface Resource {
  readonly path: string
  readonly title: string
  readonly singular: string
  readonly table: string
  readonly orderBy: string
  /** Columns of the list. */
  readonly columns: readonly string[]
  readonly fields: readonly Field[]
  readonly detail?: Detail
  readonly rows?: RowList
  /** Who may change it. */
  readonly role: Role
  /** There is exactly one, with id 1: no list, no removal. */
  readonly single?: boolean
  /** `number` must be free in the whole dial plan. */
  readonly dialled?: boolean
}

/** What a form or an API client sent, flat: `voicemail.pin`, `members.0.extension_id`. */
export type Input = Readonly<Record<string, string>>

export interface Values {
  readonly main: Readonly<Record<string, Value>>
  readonly detail: Readonly<Record<string, Value>> | null
  readonly rows: readonly Readonly<Record<string, Value>>[] | null
}
export type Value = string | number | boolean | null

/** Field → what is wrong with it. */
export type Problems = Readonly<Record<string, string>>
