import { parse } from 'pg-connection-string'

/** What a connection URL names, as pg itself reads it. */
export interface DatabaseUrl {
  readonly user: string
  readonly database: string
  /** A host name or address, or the folder of a unix socket. */
  readonly host: string
  readonly port: number
  readonly hasPassword: boolean
}

const DEFAULT_PORT = 5432
const URL_START = /^postgres(ql)?:\/\//

/** Null when it is none. Reads no file: what the URL says of TLS is left to the connection itself. */
export function parseDatabaseUrl(url: string): DatabaseUrl | null {
  if (!URL_START.test(url)) return null
  try {
    const parsed = parse(withoutTls(url))
    const user = parsed.user ?? ''
    const port = parsed.port ? Number(parsed.port) : DEFAULT_PORT
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return null
    return {
      user,
      database: parsed.database ?? user,
      host: withoutBrackets(parsed.host ?? '') || '127.0.0.1',
      port,
      hasPassword: (parsed.password ?? '') !== '',
    }
  } catch {
    return null
  }
}

function withoutTls(url: string): string {
  const [base = '', query = ''] = url.split('?')
  const kept = new URLSearchParams(query)
  for (const name of [...kept.keys()]) if (name.startsWith('ssl')) kept.delete(name)
  return `${base}?${kept.toString()}`
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
