import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DemoPair } from './demo-pair.ts'
import type { PbxServer } from './pbx-server.ts'
import { PROJECT_FOLDER } from './processes.ts'
import type { StatusSummary } from './status-summary.ts'

const REDRAW_MS = 500
const KEPT_LINES = 8

export interface LiveView {
  /** A line below the servers: a key that was pressed, a mail that came. */
  readonly note: (text: string) => void
  stop(): void
}

/** Draws both servers' state again and again; it comes from `hot-standby status --watch --json` of each. */
export function createLiveView(pair: DemoPair, introduction: readonly string[]): LiveView {
  const notes: string[] = []
  const note = (text: string): void => {
    notes.push(`${new Date().toTimeString().slice(0, 8)}  ${text}`)
    notes.splice(0, Math.max(0, notes.length - KEPT_LINES))
    // Without a terminal nothing is redrawn, so a note is a line of its own.
    if (!process.stdout.isTTY) process.stdout.write(`${notes.at(-1)}\n`)
  }
  pair.mailSink.onMail((mail) => note(`mail to ${mail.to.join(', ')}: ${mail.subject}`))
  const servers = [watchServer(pair.primary), watchServer(pair.secondary)]
  const draw = (): void => {
    const lines = [...introduction, '', ...servers.map((server) => server.line()), '', ...notes]
    process.stdout.write(`\u001b[2J\u001b[H${lines.join('\n')}\n`)
  }
  if (!process.stdout.isTTY) process.stdout.write(`${introduction.join('\n')}\n`)
  const timer = process.stdout.isTTY ? setInterval(draw, REDRAW_MS) : null
  return {
    note,
    stop() {
      if (timer !== null) clearInterval(timer)
      for (const server of servers) server.stop()
    },
  }
}

function watchServer(server: PbxServer): { line(): string; stop(): void } {
  let latest: StatusSummary | null = null
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--import=tsx',
      join(PROJECT_FOLDER, 'plugin/cli/main.ts'),
      ...['--config', server.configPath, '--json', 'status', '--watch'],
    ],
    { cwd: PROJECT_FOLDER, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const document = JSON.parse(line) as Partial<StatusSummary>
      latest = document.server === undefined ? null : (document as StatusSummary)
    })
  return {
    line: () => describe(server, latest),
    stop: () => child.kill('SIGKILL'),
  }
}

function describe(server: PbxServer, status: StatusSummary | null): string {
  const name = server.name.padEnd(8)
  if (server.condition() !== 'running') return `${name} ${server.condition().toUpperCase()}`
  if (status === null) return `${name} the agent does not answer`
  const { role, state, term, identity } = status.server
  const { phase, inSync, lag } = status.replication
  const sync = inSync ? 'in sync' : `lag ${lag?.rows ?? '?'} rows`
  const lock = status.configLock.locked ? 'locked' : 'open'
  const holds = status.virtualIp?.holder === 'thisServer' ? ', holds the virtual IP' : ''
  return `${name} ${identity ?? '?'}, ${role.toUpperCase()} (${state}), term ${term}, ${phase}, ${sync}, configuration ${lock}${holds}\n         ${status.health.word}: ${status.health.meaning}`
}
