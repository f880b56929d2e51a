/** Edits of a platform over HTTP, as its API clients make them. */
export interface PlatformClient {
  readonly url: string
  list(resource: string): Promise<readonly PlatformRow[]>
  /** Answers the id of the new row. Errors: PlatformRefused. */
  create(resource: string, row: Readonly<Record<string, unknown>>): Promise<number>
  update(resource: string, id: number, row: Readonly<Record<string, unknown>>): Promise<void>
  remove(resource: string, id: number): Promise<void>
  /** Any page or document; the status is the caller's business. */
  get(path: string): Promise<{ readonly status: number; readonly text: string }>
}

export type PlatformRow = Readonly<Record<string, unknown>> & { readonly id: number }

/** The platform answered with an error status. */
export class PlatformRefused extends Error {
  override readonly name = 'PlatformRefused'
  readonly status: number
  readonly body: string

  constructor(method: string, url: string, status: number, body: string) {
    super(`${method} ${url} was answered with ${status}: ${body.slice(0, 300)}`)
    this.status = status
    this.body = body
  }
}

const LIMIT_MS = 5000

export function createPlatformClient(url: string, token: string): PlatformClient {
  const send = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const response = await fetch(`${url}${path}`, {
      method,
      // A connection each, as after a failover the old one leads to a server that is gone.
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return response
  }
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await send(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new PlatformRefused(method, `${url}${path}`, response.status, text)
    return text === '' ? null : JSON.parse(text)
  }
  return {
    url,
    list: async (resource) => (await ask('GET', `/api/${resource}/`)) as PlatformRow[],
    create: async (resource, row) =>
      ((await ask('POST', `/api/${resource}/`, row)) as { id: number }).id,
    async update(resource, id, row) {
      await ask('PUT', `/api/${resource}/${id}`, row)
    },
    async remove(resource, id) {
      await ask('DELETE', `/api/${resource}/${id}`)
    },
    async get(path) {
      const response = await send('GET', path)
      return { status: response.status, text: await response.text() }
    },
  }
}
