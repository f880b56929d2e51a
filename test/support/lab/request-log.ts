/** One request of the lab's client, see `client.ts`. Times are Unix time in ms. */
export interface RequestRecord {
  readonly number: number
  readonly kind: 'read' | 'write'
  readonly sentAt: number
  readonly endedAt: number
  /** 0: no answer in time, or the connection failed. */
  readonly status: number
  /** The server that answered. */
  readonly server: string | null
}

/** A line that is still being written is left out. */
export function parseRequests(text: string): RequestRecord[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [number, kind, sentAt, endedAt, status, server] = line.split(' ')
      return {
        number: Number(number),
        kind: kind === 'write' ? 'write' : 'read',
        sentAt: Number(sentAt),
        endedAt: Number(endedAt),
        status: Number(status),
        server: server === undefined || server === '-' ? null : server,
      }
    })
}

export function isAnswered({ status }: RequestRecord): boolean {
  return status === 200 || status === 201
}

/**
 * The longest time without service between two moments: from the sending of the last request that was answered before
 * the gap to the first answer after it.
 */
export function longestOutageMs(
  requests: readonly RequestRecord[],
  from: number,
  until: number,
): number {
  const answers = requests
    .filter((request) => isAnswered(request) && request.endedAt >= from - 1000)
    .sort((one, other) => one.endedAt - other.endedAt)
  let lastSentAt = -Infinity
  let longest = 0
  for (const { sentAt, endedAt } of answers) {
    if (endedAt > until) return Math.max(longest, lastSentAt === -Infinity ? 0 : until - lastSentAt)
    if (endedAt >= from && lastSentAt !== -Infinity)
      longest = Math.max(longest, endedAt - lastSentAt)
    lastSentAt = Math.max(lastSentAt, sentAt)
  }
  return Math.max(longest, lastSentAt === -Infinity ? until - from : until - lastSentAt)
}

/** Writes that were acknowledged in a time; each has its own number as caller. */
export function acknowledgedWrites(
  requests: readonly RequestRecord[],
  from: number,
  until: number,
): RequestRecord[] {
  return requests.filter(
    (request) =>
      request.kind === 'write' &&
      isAnswered(request) &&
      request.endedAt >= from &&
      request.endedAt <= until,
  )
}
