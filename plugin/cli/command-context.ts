import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { AgentApi } from '../api/agent-api.ts'
import { createAgentClient } from '../api/agent-client.ts'
import { type AgentConfig, DEFAULT_CONFIG_PATH, loadAgentConfig } from '../config/agent-config.ts'
import type { CliIo } from './io.ts'

/** Tried in this order when `--config` is not given. */
export const CONFIG_PATHS = [
  `./${DEFAULT_CONFIG_PATH}`,
  `/etc/hot-standby/${DEFAULT_CONFIG_PATH}`,
] as const

/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string
  readonly json?: boolean
}

/** What a command may use besides its own options. */
export interface CommandContext {
  readonly io: CliIo
  readonly json: boolean
  /** The configuration file in use, whether it is readable or not. */
  readonly configPath: string
  /** Reads and checks the configuration file. Errors: HS_CONFIG_INVALID. */
  readonly config: () => AgentConfig
  /** The agent of this server; the first call on it fails with HS_AGENT_UNREACHABLE when it does not run. */
  readonly agent: () => AgentApi
  /** Text for a human while the command is under way; left out with --json. */
  readonly progress: (line: string) => void
}

/** What a command answers: a document for programs, the same in lines for humans. */
export interface Outcome {
  readonly document: unknown
  readonly lines: readonly string[]
  /** The command worked and found a fault: exit status 1. */
  readonly failed?: boolean
}

export type CommandRun<Options> = (
  context: CommandContext,
  options: Options & GlobalOptions,
) => Promise<Outcome>

/** Makes the action of a command: runs it, prints its outcome and remembers the exit status. */
export type MakeAction = <Options>(
  run: CommandRun<Options>,
) => (...received: unknown[]) => Promise<void>

/** One file of `commands/` adds one command. */
export type AddCommand = (program: Command, action: MakeAction) => void

export function createContext(io: CliIo, options: GlobalOptions): CommandContext {
  const json = options.json === true
  const configPath =
    options.config ?? CONFIG_PATHS.find((path) => existsSync(path)) ?? CONFIG_PATHS[0]
  let config: AgentConfig | null = null
  const readConfig = (): AgentConfig => (config ??= loadAgentConfig(configPath))
  return {
    io,
    json,
    configPath,
    config: readConfig,
    agent: () => createAgentClient(readConfig().socketPath, { actor: 'cli' }),
    progress: (line) => {
      if (!json) io.err(line)
    },
  }
}
