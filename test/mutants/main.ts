// Breaks one protection after the other; a test must find each: `npm run test:mutants`, or with words of their names.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CORE_MUTANTS } from './core-mutants.ts'
import type { Hunter, Mutant } from './mutant.ts'
import { REPLICATION_MUTANTS } from './replication-mutants.ts'

const LANES = 2
const ROOT = join(import.meta.dirname, '../..')
/** What the tests are made of that hunt. */
const PARTS = [
  'package.json',
  'tsconfig.json',
  '.mocharc.json',
  'plugin',
  'migrations',
  'hooks',
  'examples',
  'test',
]
const words = process.argv.slice(2)
// The longest first, so that both lanes end at about the same time.
const chosen = [...REPLICATION_MUTANTS, ...CORE_MUTANTS].filter(({ name }) =>
  words.every((word) => name.includes(word)),
)
const survivors: string[] = []

/** A copy of the sources, in which one protection at a time is broken. */
async function lane(queue: Mutant[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hs-mutants-'))
  try {
    for (const part of PARTS) await cp(join(ROOT, part), join(folder, part), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const found = await hunt(folder, mutant)
      console.log(`${mutant.name}: ${found ?? 'SURVIVED'}`)
      if (found === null) survivors.push(mutant.name)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the hunter says of it; null when it finds nothing. */
async function hunt(folder: string, { name, hunter, edits }: Mutant): Promise<string | null> {
  try {
    for (const { file, from, to } of edits) {
      const path = join(folder, 'plugin', file)
      const text = await readFile(path, 'utf8')
      if (text.split(from).length !== 2)
        throw new Error(`${name}: its guard does not stand once in ${file}`)
      await writeFile(
        path,
        text.replace(from, () => to),
      )
    }
    const { status, output } = await run(folder, hunter)
    if (status === 0) return null
    const said = hunter.said.exec(output)?.[1]
    if (said === undefined) throw new Error(`${name}: it did not run\n${output.slice(-2000)}`)
    return said
  } finally {
    await cp(join(ROOT, 'plugin'), join(folder, 'plugin'), { recursive: true })
  }
}

function run(
  cwd: string,
  { args, env }: Hunter,
): Promise<{ readonly status: number | null; readonly output: string }> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (output += part))
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })))
}

const queue = [...chosen]
await Promise.all(Array.from({ length: LANES }, () => lane(queue)))
console.log(`${chosen.length} broken protections, ${survivors.length} not found`)
process.exitCode = survivors.length === 0 && chosen.length > 0 ? 0 : 1
