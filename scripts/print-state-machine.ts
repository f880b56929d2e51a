// Prints docs/reference/state-machine.md from the table: `node --import=tsx scripts/print-state-machine.ts`.
// test/unit/core/state-machine-page.test.ts fails when page and table differ.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stateMachinePage } from './state-machine-page.ts'

const path = 'docs/reference/state-machine.md'
writeFileSync(join(import.meta.dirname, '..', path), await stateMachinePage())
process.stdout.write(`${path}\n`)
