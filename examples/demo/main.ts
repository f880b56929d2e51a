import { createDemoPair } from './demo-pair.ts'
import { runInteractive } from './interactive.ts'
import { runScript } from './script.ts'

const unknown = process.argv.slice(2).filter((argument) => argument !== '--script')
if (unknown.length > 0) {
  process.stderr.write(`There is no option ${unknown.join(' ')}. Use --script, or nothing.\n`)
  process.exit(2)
}
const script = process.argv.includes('--script')

/** Rejects as soon as somebody wants us to end, so that the clean-up below runs. */
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => reject(new Error(`ended by ${signal}`)))
})
interrupted.catch(() => undefined)

const tell = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

let status = 0
const building = createDemoPair(tell)
try {
  const pair = await Promise.race([building, interrupted])
  await Promise.race([script ? runScript(pair, tell) : runInteractive(pair, tell), interrupted])
} catch (thrown) {
  tell(`\n${thrown instanceof Error ? thrown.message : String(thrown)}`)
  status = 1
} finally {
  const pair = await building.catch(() => null)
  await pair?.destroy()
}
process.exit(status)
