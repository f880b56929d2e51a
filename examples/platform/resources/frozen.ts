import type { Request } from 'express'
import type { HotStandby } from '../../../plugin/index.ts'
import type { Input, Problems, Resource } from './resource.ts'

/** Which fields must not be changed now, with the reason of each. */
export type FrozenFields = (request: Request, resource: Resource) => Promise<Problems>

/** Asks the hot standby: what the pair stands on is not changed while there is a pair. */
export function frozenByPair(hotStandby: Pick<HotStandby, 'frozenSettings'>): FrozenFields {
  return async (request, resource) => {
    const fields = resource.fields.filter((field) => field.frozenAs !== undefined)
    const frozen = fields.length === 0 ? null : await hotStandby.frozenSettings(request)
    if (frozen === null) return {}
    return Object.fromEntries(
      fields
        .filter(({ frozenAs }) => frozenAs !== undefined && frozen.settings.includes(frozenAs))
        .map(({ name }) => [name, frozen.reason]),
    )
  }
}

/** The frozen fields that somebody wants to change all the same. */
export function frozenProblems(frozen: Problems, stored: Input, input: Input): Problems {
  return Object.fromEntries(
    Object.entries(frozen).filter(([name]) => (input[name] ?? '') !== (stored[name] ?? '')),
  )
}
