/** Answers each request of the lab's client at once: `web-stub.ts PORT NAME`. A peer of ours has no platform behind it. */
import { createServer } from 'node:http'

const [, , port = '', name = ''] = process.argv
createServer((request, response) => {
  request.resume()
  response.setHeader('x-pbx', name)
  response.setHeader('connection', 'close')
  response.end('{}')
}).listen(Number(port), '0.0.0.0', () => console.log('listens'))
