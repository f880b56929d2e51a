import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stateMachinePage } from '../../../scripts/state-machine-page.ts'

describe('docs/reference/state-machine.md', () => {
  it('is the table: node --import=tsx scripts/print-state-machine.ts', async () => {
    const path = join(import.meta.dirname, '../../../docs/reference/state-machine.md')
    assert.equal(readFileSync(path, 'utf8'), await stateMachinePage())
  })
})
