import { emitKeypressEvents } from 'node:readline'
import type { DemoPair } from './demo-pair.ts'
import { createLiveView } from './live-view.ts'
import { PASSWORD, type PbxServer } from './pbx-server.ts'

/** Pairs the servers, then shows both live until q or Ctrl-C; keys kill, hang and restart them. */
export async function runInteractive(pair: DemoPair, tell: (line: string) => void): Promise<void> {
  tell('The servers are being paired …')
  await pair.pair()
  await pair.secondary.command('wait', '--for', 'in-sync', '--timeout', '60')
  const view = createLiveView(pair, introduction(pair))
  try {
    await keysUntilQuit(pair, view.note)
  } finally {
    view.stop()
  }
}

function introduction(pair: DemoPair): string[] {
  const { primary, secondary } = pair
  return [
    'Two PBX servers are a hot standby pair now.',
    `  virtual address  ${pair.virtualUrl}/  (always the active server)`,
    `  ${primary.name}            ${primary.url}/  (primary)`,
    `  ${secondary.name}            ${secondary.url}/  (secondary)`,
    `  log-in           admin, password ${PASSWORD}`,
    `  command line     node --import=tsx plugin/cli/main.ts --config ${primary.configPath} status`,
    '',
    'Try: change an extension at the virtual address and look at it on the standby; change it on the standby;',
    'kill the active server and reload the virtual address; restart it; let it take over (System > Hot Standby).',
    '',
    `Keys: 1 kill, 2 hang, 3 restart or wake ${primary.name}; 4 kill, 5 hang, 6 restart or wake ${secondary.name}; q quit`,
  ]
}

type Action = (server: PbxServer) => Promise<void> | void

const ACTIONS: readonly { readonly text: string; readonly run: Action }[] = [
  { text: 'killed (kill -9 of agent, web and PostgreSQL)', run: (server) => server.kill() },
  { text: 'hung (SIGSTOP of agent and web)', run: (server) => server.hang() },
  {
    text: 'started or woken',
    run: (server) => (server.condition() === 'hung' ? server.wake() : server.start()),
  },
]

function keysUntilQuit(pair: DemoPair, note: (text: string) => void): Promise<void> {
  const servers = [pair.primary, pair.secondary]
  return new Promise((resolve) => {
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    emitKeypressEvents(process.stdin)
    // A terminal that closes ends the demo; one that was never there leaves it running until a signal.
    if (process.stdin.isTTY) process.stdin.once('end', () => resolve())
    process.stdin.on(
      'keypress',
      (text: string | undefined, key: { ctrl: boolean; name?: string }) => {
        if (text === 'q' || (key.ctrl && key.name === 'c')) {
          if (process.stdin.isTTY) process.stdin.setRawMode(false)
          resolve()
          return
        }
        const index = Number(text) - 1
        const [server, action] = [servers[Math.floor(index / 3)], ACTIONS[index % 3]]
        if (server === undefined || action === undefined) return
        note(`${server.name}: …`)
        Promise.resolve(action.run(server)).then(
          () => note(`${server.name} ${action.text}`),
          (thrown: unknown) => note(`${server.name}: ${(thrown as Error).message}`),
        )
      },
    )
  })
}
