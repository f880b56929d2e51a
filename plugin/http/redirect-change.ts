import type { Request, Response } from 'express'
import type { Web } from './web.ts'

/**
 * Sends a change, with its method and body, to the virtual IP, which is on its way to the other server: the client makes a
 * new connection, and the one that is told so ends with the address. False when the virtual IP is not known.
 */
export function redirectChange(
  { options, watch }: Web,
  request: Request,
  response: Response,
): boolean {
  const address = watch.known().status?.virtualIp?.address
  if (address === undefined) return false
  const base = isReachedAt(request, address)
    ? `${request.protocol}://${request.get('host') ?? address}`
    : options.activeUrl(address, request)
  if (!URL.canParse(base)) return false
  // What a client wrote in place of a path leads nowhere else.
  const path = request.originalUrl.startsWith('/') ? request.originalUrl : '/'
  response.set('connection', 'close').redirect(307, new URL(base).origin + path)
  return true
}

/** Then its name, which a certificate may be for, leads to the other server as well. */
function isReachedAt({ socket }: Request, address: string): boolean {
  return socket.localAddress?.replace(/^::ffff:/, '') === address
}
