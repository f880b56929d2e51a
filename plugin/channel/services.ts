/** What the one TLS port offers; the client names it by ALPN, so that the choice is made before a byte is sent. */
export const SERVICES = {
  /** HTTP/1.1 with JSON between the two agents of a pair. */
  peerApi: 'hot-standby/1',
  /** Bytes to and from the server's local PostgreSQL. */
  database: 'postgresql',
  /** HTTP/1.1 with JSON; the only one open to a server that is not the peer, and only with an access code. */
  pairing: 'hot-standby-pairing/1',
  /** Reserved: file synchronisation. */
  files: 'hot-standby-files/1',
} as const

export type Service = keyof typeof SERVICES
export type ServiceName = (typeof SERVICES)[Service]
