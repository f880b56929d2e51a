// Breaks one guard of the decision core after the other; the simulation must find each: `npm run test:mutants`, or with words
// of their names. `--seeds=N`: so many stories at the most.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mutant, MUTANTS } from './mutants.ts'

const LANES = 2
const CORE = 'plugin/core'
const ROOT = join(import.meta.dirname, '../..')
/** What the simulation is made of. */
const PARTS = ['package.json', 'tsconfig.json', '.mocharc.json', 'plugin', 'test/simulation']
const given = process.argv.slice(2)
const seeds = given.find((word) => word.startsWith('--seeds='))?.slice(8) ?? '600'
const words = given.filter((word) => !word.startsWith('--'))
const chosen = MUTANTS.filter(({ name }) => words.every((word) => name.includes(word)))
const survivors: string[] = []

/** A copy of the sources, in which one guard at a time is broken. */
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

/** What the simulation says of it; null when it finds nothing. */
async function hunt(folder: string, mutant: Mutant): Promise<string | null> {
  try {
    for (const { file, from, to } of mutant.edits) {
      const path = join(folder, CORE, file)
      const text = await readFile(path, 'utf8')
      if (text.split(from).length !== 2)
        throw new Error(`${mutant.name}: its guard does not stand once in ${file}`)
      const broken = text.replace(from, () => to)
      await writeFile(path, broken)
    }
    const { status, output } = await simulate(folder)
    if (status === 0) return null
    const said = /^ +(?:Simulation|Assertion)?Error(?: \[\w+\])?: (.*)$/mu.exec(output)?.[1]
    if (said === undefined)
      throw new Error(`${mutant.name}: it did not run\n${output.slice(-2000)}`)
    return said
  } finally {
    await cp(join(ROOT, CORE), join(folder, CORE), { recursive: true })
  }
}

function simulate(
  cwd: string,
): Promise<{ readonly status: number | null; readonly output: string }> {
  const mocha = join(cwd, 'node_modules/mocha/bin/mocha.js')
  const args = [mocha, '--bail', 'test/simulation/**/*.test.ts']
  const env = { ...process.env, SEEDS: seeds }
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (output += part))
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })))
}

const queue = [...chosen]
await Promise.all(Array.from({ length: LANES }, () => lane(queue)))
console.log(`${chosen.length} broken guards, ${survivors.length} not found`)
process.exitCode = survivors.length === 0 && chosen.length > 0 ? 0 : 1
