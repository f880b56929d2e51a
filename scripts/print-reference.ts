// Prints docs/reference/{cli,errors,events,configuration}.md from the code: `node --import=tsx scripts/print-reference.ts`.
// test/tidy.test.ts fails when a page and the code differ.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePages } from './reference-pages.ts'

const root = join(import.meta.dirname, '..')
for (const [path, text] of Object.entries(await referencePages())) {
  writeFileSync(join(root, path), text)
  process.stdout.write(`${path}\n`)
}
