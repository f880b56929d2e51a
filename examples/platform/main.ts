import { createServer } from 'node:http'
import { createPlatform } from './create-platform.ts'
import { readPlatformOptions } from './options.ts'

const options = readPlatformOptions(process.argv[2], process.env)
const platform = await createPlatform(options)
const server = createServer(platform.app)

await new Promise<void>((resolve, reject) => {
  server.once('error', reject)
  server.listen(options.listen.port, options.listen.host, resolve)
})
const address = server.address()
const port = typeof address === 'object' && address !== null ? address.port : options.listen.port
console.log(`${options.name} listens on http://${options.listen.host}:${port}/`)

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  const closed = new Promise((resolve) => server.close(resolve))
  await platform.close()
  server.closeAllConnections()
  await closed
}
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())
