import type { Request, Response } from 'express'
import { agentFor, type Web } from '../web.ts'

/** The agent's metrics for Prometheus, behind the permission `view`. */
export function metricsRoute(web: Web): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    const { contentType, text } = await agentFor(web, request).metrics()
    response.set('content-type', contentType).send(text)
  }
}
