import { acquireAgentLock } from '../../plugin/agent/agent-lock.ts'

/** A process that holds an agent's lock until it is ended: `lock-holder.ts DIRECTORY`. */
await acquireAgentLock(process.argv[2]!)
process.send?.('held')
setInterval(() => undefined, 1000)
process.on('disconnect', () => process.exit(0))
