import type { AgentConfig } from '../config/agent-config.ts'

/** The part of the configuration file that the database side needs. */
export type DatabaseConfig = AgentConfig['database']
