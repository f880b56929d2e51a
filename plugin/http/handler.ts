import type { Request, RequestHandler, Response } from 'express'
import type { Permission } from '../config/plugin-options.ts'
import { HotStandbyError } from '../errors.ts'
import type { Web } from './web.ts'

type Handle = (request: Request, response: Response) => void | Promise<void>

/** A route: first the permission, then for changes the CSRF token, then the work. Express 4 does not wait for promises, so we do. */
export function route(web: Web, permission: Permission, handle: Handle): RequestHandler {
  return (request, response, next) => {
    const run = async (): Promise<void> => {
      await demandPermission(web, request, permission)
      if (!['GET', 'HEAD'].includes(request.method)) web.csrf.check(request)
      await handle(request, response)
    }
    run().catch(next)
  }
}

/** Errors: HS_FORBIDDEN. */
export async function demandPermission(
  web: Web,
  request: Request,
  permission: Permission,
): Promise<void> {
  if (await isPermitted(web, request, permission)) return
  const reason =
    web.options.authorize === null
      ? 'the platform gave no `authorize`, so everything is refused'
      : `it needs the permission ${permission}`
  throw new HotStandbyError('HS_FORBIDDEN', { reason })
}

export async function isPermitted(
  web: Web,
  request: Request,
  permission: Permission,
): Promise<boolean> {
  // Only a real `true` lets somebody in: a platform that answers with an object has made a mistake.
  return (await web.options.authorize?.(request, permission)) === true
}
