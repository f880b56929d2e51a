import type { AgentApi } from '../api/agent-api.ts'
import type { PluginOptions } from '../config/plugin-options.ts'
import type { Logger } from '../logger.ts'
import type { Request } from 'express'
import type { AgentPort } from './agent-port.ts'
import type { Csrf } from './csrf.ts'
import type { Language, Languages } from './i18n/language.ts'
import type { Render } from './renderer.ts'
import type { StatusWatch } from './status-watch.ts'

/** What every route of the plugin works with. */
export interface Web {
  readonly options: PluginOptions
  readonly agent: AgentPort
  readonly watch: StatusWatch
  readonly csrf: Csrf
  readonly render: Render
  readonly languages: Languages
  readonly logger: Logger
}

/** The language of whoever sent this request, as the platform chooses it. */
export function languageFor(web: Web, request: Request): Language {
  const { locale, timeZone } = web.options
  return web.languages(
    typeof locale === 'string' ? locale : locale(request),
    typeof timeZone === 'string' ? timeZone : timeZone(request),
  )
}

/** The agent's calls in the name of whoever sent this request. */
export function agentFor(web: Web, request: Request): AgentApi {
  return web.agent.as(web.options.actor(request))
}
