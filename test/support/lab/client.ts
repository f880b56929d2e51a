/**
 * The client of the lab: a request every few milliseconds, each with a connection of its own, so that every gap shows.
 * Every second request writes a call record with a number of its own. It goes where a server sends it, as browsers do
 * (307: again, with the same body). Each outcome is one line of the file given:
 * number, kind, sent, ended (Unix time in ms), status (0: no answer), server.
 */
import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'

interface ClientOptions {
  readonly host: string
  readonly port: number
  readonly token: string
  readonly file: string
  readonly intervalMs: number
  readonly timeoutMs: number
}

const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions
const FLUSH_MS = 50
const LONGEST_CHAIN = 20
let count = 0
let lines: string[] = []
let nextAt = performance.now()

setInterval(() => {
  if (lines.length > 0) appendFileSync(options.file, lines.join(''))
  lines = []
}, FLUSH_MS)
sendDue()

/** Keeps the pace over the whole time; after a stall of the machine it does not send everything at once. */
function sendDue(): void {
  const now = performance.now()
  if (now - nextAt > 500) nextAt = now
  while (nextAt <= now) {
    nextAt += options.intervalMs
    request()
  }
  setTimeout(sendDue, Math.max(1, nextAt - performance.now()))
}

function request(): void {
  count += 1
  const number = count
  send({ number, kind: number % 2 === 0 ? 'write' : 'read', sentAt: now() }, LONGEST_CHAIN)
}

function send(
  request: { readonly number: number; readonly kind: string; readonly sentAt: number },
  chain: number,
): void {
  const { number, kind, sentAt } = request
  let answer = ''
  let isOver = false
  const socket = connect({ host: options.host, port: options.port })
  const end = (status: number): void => {
    // One that is refused is destroyed before it says so.
    if (isOver) return
    isOver = true
    clearTimeout(late)
    socket.destroy()
    if (status === 307 && chain > 0) {
      send(request, chain - 1)
      return
    }
    const server = /^x-pbx: (.*)\r$/im.exec(answer)?.[1] ?? '-'
    lines.push(`${number} ${kind} ${sentAt} ${now()} ${status} ${server}\n`)
  }
  const late = setTimeout(() => end(0), options.timeoutMs - (now() - sentAt))
  socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece))
  socket.on('end', () => end(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)))
  socket.on('error', () => end(0))
  socket.write(kind === 'write' ? writing(number) : head('GET', '/api/system-settings', []))
}

function writing(number: number): string {
  const body = JSON.stringify({
    caller: String(number),
    called: '100',
    direction: 'inbound',
    result: 'answered',
    duration_seconds: 1,
  })
  const lengths = ['content-type: application/json', `content-length: ${body.length}`]
  return head('POST', '/api/calls', lengths) + body
}

function head(method: string, path: string, fields: readonly string[]): string {
  return [
    `${method} ${path} HTTP/1.1`,
    `host: ${options.host}`,
    `authorization: Bearer ${options.token}`,
    'accept: application/json',
    'connection: close',
    ...fields,
    '\r\n',
  ].join('\r\n')
}

function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 100) / 100
}
