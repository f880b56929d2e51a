import { connect } from 'node:net'
import { codeOf } from '../../files/error-code.ts'

/** Nothing listens there as a rule; the refusal is the answer that we want. */
const DISCARD_PORT = 9

/** The host answers at all: by accepting or refusing a connection. For addresses that ARP does not reach. */
export function answersAtTcp(address: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: DISCARD_PORT })
    const settle = (answers: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answers)
    }
    const timer = setTimeout(settle, timeoutMs, false)
    socket.once('connect', () => settle(true))
    socket.once('error', (error) => settle(['ECONNREFUSED', 'ECONNRESET'].includes(codeOf(error))))
  })
}
