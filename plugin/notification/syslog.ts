import { createSocket } from 'node:dgram'
import { isIPv6, connect, type Socket } from 'node:net'
import type { AgentConfig } from '../config/agent-config.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import type { EventLevel } from '../core/settings.ts'
import { oneLine } from './mail-text.ts'
import type { Sender, SendFailure } from './sender.ts'

export type SyslogConfig = NonNullable<AgentConfig['notifications']['syslog']>

/** RFC 5424, section 6.2.1. */
const SEVERITY: Readonly<Record<EventLevel, number>> = { information: 6, warning: 4, alert: 1 }
const FACILITY = { daemon: 3, local0: 16, local1: 17, local2: 18, local3: 19 } as const
const MORE_FACILITIES = { local4: 20, local5: 21, local6: 22, local7: 23 } as const
export const FACILITIES = { ...FACILITY, ...MORE_FACILITIES } as const

/** What every receiver must take (RFC 5424, 6.1) is less, but all of today take this. */
const LONGEST_LINE_BYTES = 8192
const LONGEST_DATAGRAM_BYTES = 2048
const LIMIT_MS = 5000

/** One event as a line of RFC 5424. Nothing that an event says can end the line or forge another field. */
export function syslogLine(
  entry: HistoryEntry,
  input: {
    readonly level: EventLevel
    readonly hostName: string
    readonly serialNumber: string
    readonly facility: keyof typeof FACILITIES
    readonly pid: number
  },
): string {
  const priority = FACILITIES[input.facility] * 8 + SEVERITY[input.level]
  const header = [
    `<${priority}>1`,
    timestamp(entry.at),
    headerWord(input.hostName, 255),
    'hot-standby',
    String(input.pid),
    headerWord(entry.kind, 32),
  ].join(' ')
  const data = [
    ['id', String(entry.id)],
    ['level', input.level],
    ['serial', input.serialNumber],
    ['server', entry.serverId],
    ...(entry.actor === null ? [] : [['actor', entry.actor] as const]),
  ].map(([name, value]) => `${name ?? ''}="${dataValue(value ?? '')}"`)
  const reason = entry.reason === '' ? '' : `: ${entry.reason}`
  const message = oneLine(`${entry.title}${reason}. ${entry.meaning} ${entry.advice}`)
  return shortened(`${header} [hotStandby@32473 ${data.join(' ')}] \uFEFF${message}`)
}

/** Over UDP a line counts as delivered when it was sent; over TCP and a unix socket when the receiver took all of it. */
export function createSyslogSender(config: SyslogConfig): Sender {
  return async ({ text }) => {
    try {
      await (config.transport === 'udp' ? sendDatagram(config, text) : sendStream(config, text))
      return null
    } catch (error) {
      return failureOf(error)
    }
  }
}

/** Where it goes, for the delivery log. */
export function syslogTarget(config: SyslogConfig): string {
  return config.transport === 'unix'
    ? `unix:${config.path ?? ''}`
    : `${config.transport}://${config.host ?? ''}:${config.port}`
}

function sendDatagram({ host = '', port }: SyslogConfig, text: string): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer from the name server')), LIMIT_MS)
    socket.on('error', reject)
    socket.send(cut(text, LONGEST_DATAGRAM_BYTES), port, host, (error) => {
      clearTimeout(timer)
      if (error === null) resolve()
      else reject(error)
    })
  }).finally(() => socket.close())
}

/** Octet counting (RFC 6587, 3.4.1): no byte of a line is taken for its end. */
function sendStream({ transport, host, port, path }: SyslogConfig, text: string): Promise<void> {
  const bytes = cut(text, LONGEST_LINE_BYTES)
  const socket: Socket =
    transport === 'unix' ? connect({ path: path ?? '' }) : connect({ host: host ?? '', port })
  return new Promise<void>((resolve, reject) => {
    socket.setTimeout(LIMIT_MS, () => reject(new Error(`no answer for ${LIMIT_MS} ms`)))
    socket.on('error', reject)
    // Closed by the receiver after our end: it has read everything before.
    socket.on('close', (hadError) => {
      if (!hadError) resolve()
    })
    socket.resume()
    socket.end(Buffer.concat([Buffer.from(`${bytes.length} `), bytes]))
  }).finally(() => socket.destroy())
}

function failureOf(error: unknown): SendFailure {
  const { code, message } = error as { code?: string; message?: string }
  return { scope: 'server', reason: oneLine(message || code || 'unknown error').slice(0, 500) }
}

function timestamp(at: string): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString()
}

/** Printable ASCII without spaces; nothing left is `-`. */
function headerWord(text: string, longest: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, longest) || '-'
}

/** RFC 5424, 6.3.3: these three are escaped. */
function dataValue(text: string): string {
  return oneLine(text)
    .slice(0, 200)
    .replace(/["\\\]]/g, '\\$&')
}

function shortened(line: string): string {
  return cut(line, LONGEST_LINE_BYTES).toString('utf8')
}

/** At most so many bytes, and no half character at the end. */
function cut(text: string, bytes: number): Buffer {
  const whole = Buffer.from(text, 'utf8')
  if (whole.length <= bytes) return whole
  let end = bytes
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return whole.subarray(0, end)
}
