import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Router } from 'express'

const TYPES = { 'hot-standby.css': 'text/css', 'hot-standby.js': 'text/javascript' } as const

/** Style sheet and script; they hold nothing secret, so the log-in page of a platform may have them too. */
export function assetRoutes(): Router {
  const router = Router()
  for (const [name, type] of Object.entries(TYPES)) {
    const content = readFileSync(join(import.meta.dirname, 'assets', name))
    const tag = `"${createHash('sha256').update(content).digest('base64url')}"`
    router.get(`/${name}`, (_request, response) => {
      response.set({ 'cache-control': 'no-cache', etag: tag }).type(type).send(content)
    })
  }
  return router
}
