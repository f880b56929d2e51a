// Outlives the demo by a moment: when the demo ends in whatever way, even by kill -9, its pipe to us closes, and
// we kill the processes and remove the folder that it told us of. Lines: `+pid`, `-pid`, `folder PATH`, `bye`.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const pids = new Set()
let folder = null

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('+')) pids.add(Number(line.slice(1)))
  else if (line.startsWith('-')) pids.delete(Number(line.slice(1)))
  else if (line.startsWith('folder ')) folder = line.slice('folder '.length)
}
for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It had ended by itself.
  }
}
if (folder !== null)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
