/**
 * Asks one server for the virtual IP, whoever else holds it: its host has the server's hardware address as permanent
 * neighbour. A connection that is refused is an answer of the kernel; each is one line, Unix time in ms.
 */
import { connect } from 'node:net'

const [, , host = ''] = process.argv
const CLOSED_PORT = 9
const INTERVAL_MS = 20
const TIMEOUT_MS = 300

setInterval(() => {
  const sentAt = Date.now()
  const socket = connect({ host, port: CLOSED_PORT })
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED' && Date.now() - sentAt < TIMEOUT_MS)
      process.stdout.write(`${sentAt}\n`)
  })
}, INTERVAL_MS)
