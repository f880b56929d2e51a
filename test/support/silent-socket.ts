import { createServer } from 'node:net'

/** A process that listens on a unix socket and never answers: `silent-socket.ts PATH`. */
createServer(() => undefined).listen(process.argv[2], () => process.send?.('listening'))
process.on('disconnect', () => process.exit(0))
