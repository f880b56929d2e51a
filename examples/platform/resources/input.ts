import type { Request } from 'express'
import { PlatformError } from '../web/errors.ts'

/** A form's flat names as they are; JSON's levels with dots between. Everything as text. */
export function flatten(body: unknown): Record<string, string> {
  const flat: Record<string, string> = {}
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value))
        walk(inner, path === '' ? name : `${path}.${name}`)
    else if (typeof value === 'boolean') flat[path] = value ? 'on' : ''
    else if (typeof value === 'string' || typeof value === 'number') flat[path] = String(value)
  }
  walk(body, '')
  return flat
}

export function idOf(request: Request): number {
  const id = String(request.params['id'])
  if (!/^\d{1,9}$/.test(id)) throw new PlatformError(404, 'There is no such entry.')
  return Number(id)
}
