import express, { type Router } from 'express'
import { assetRoutes } from './assets.ts'
import { createErrorHandler, notFound } from './error-handler.ts'
import { route } from './handler.ts'
import { apiRoutes } from './routes/api.ts'
import { healthRoutes } from './routes/health.ts'
import { historyRoutes } from './routes/history-page.ts'
import { liveStream } from './routes/live-stream.ts'
import { metricsRoute } from './routes/metrics.ts'
import { maintenanceRoutes } from './routes/maintenance-page.ts'
import { notificationRoutes } from './routes/notifications-page.ts'
import { setUpRoutes } from './routes/set-up-page.ts'
import { statusRoutes } from './routes/status-page.ts'
import { synchronisationRoutes } from './routes/synchronisation-page.ts'
import { takeOverRoutes } from './routes/take-over-page.ts'
import { unsentRoutes } from './routes/unsent-page.ts'
import { securityHeaders } from './security-headers.ts'
import type { Web } from './web.ts'

/** Everything below the mount: pages, `/api`, `/stream`, `/assets`. */
export function createRouter(web: Web): Router {
  const router = express.Router()
  router.use(securityHeaders)
  router.use('/assets', assetRoutes())
  router.use('/health', healthRoutes(web))
  router.get('/metrics', route(web, 'view', metricsRoute(web)))
  router.use(express.urlencoded({ extended: false, limit: '100kb', parameterLimit: 500 }))
  router.use(express.json({ limit: '100kb' }))
  router.get('/stream', route(web, 'view', liveStream(web)))
  for (const routes of [
    apiRoutes,
    statusRoutes,
    setUpRoutes,
    takeOverRoutes,
    maintenanceRoutes,
    unsentRoutes,
    synchronisationRoutes,
    historyRoutes,
    notificationRoutes,
  ])
    routes(web, router)
  router.use(notFound)
  router.use(createErrorHandler(web))
  return router
}
