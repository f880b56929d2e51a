// `npm test`: every test below test/, in groups of a process each, in about ten minutes on two cores.
// `npm test -- unit http` runs the groups named; `npm test -- --list` names them; `npm test -- --order=7` runs the files
// of each group in another order, the same for the same word. The last line is the total.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { leftBehind, namespaces, processesOf } from './left-behind.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const GROUP_LIMIT_MS = 8 * 60_000
const LANES = 2

// Those with `alone` measure time, or need both cores; the others run two at a time.
const GROUPS = [
  // The longest first, so that both lanes end at about the same time.
  { name: 'replication', prefixes: ['test/integration/replication/'] },
  { name: 'integration', prefixes: ['test/integration/'] },
  { name: 'unit', prefixes: ['test/unit/', 'test/tidy.test.ts'] },
  { name: 'simulation', prefixes: ['test/simulation/'] },
  { name: 'package', prefixes: ['test/package/'] },
  { name: 'exact', prefixes: ['test/crash/', 'test/fuzz/'] },
  { name: 'http', prefixes: ['test/http/'] },
  { name: 'browser', prefixes: ['test/browser/'] },
  { name: 'other', prefixes: ['test/'] },
  { name: 'lab', prefixes: ['test/lab/'], alone: true },
  { name: 'demo', prefixes: ['test/demo/'], alone: true },
]

const options = process.argv.slice(2)
const order = options.find((option) => option.startsWith('--order='))
const wanted = options.filter((option) => option !== order)
const groups = assignFiles(inOrder(testFiles(), order))
if (wanted.includes('--list')) {
  for (const group of groups) console.log(`${group.name}: ${group.files.join(' ')}`)
  process.exit(0)
}
const unknown = wanted.filter((name) => !GROUPS.some((group) => group.name === name))
if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(', ')}; see npm test -- --list`)
  process.exit(2)
}
const chosen = groups.filter((group) => wanted.length === 0 || wanted.includes(group.name))
if (!chosen.some((group) => group.files.length > 0)) {
  console.error('There is no test to run.')
  process.exit(2)
}

// Short, because the path of a unix socket has 107 bytes at most; open to the user that PostgreSQL runs as.
const folder = mkdtempSync(join(tmpdir(), 'hs-'))
chmodSync(folder, 0o755)
const countsFolder = mkdtempSync(join(tmpdir(), 'hs-counts-'))
const namespacesBefore = namespaces()
const startedAt = Date.now()
const total = { passed: 0, skipped: 0 }
const failures = []

let interrupted = false
const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true
    for (const child of running) endGroup(child)
  })
}

try {
  await inLanes(chosen.filter((group) => !group.alone))
  for (const group of chosen.filter((one) => one.alone)) report(await runGroup(group))
  reportLeftBehind()
} finally {
  rmSync(folder, { recursive: true, force: true })
  rmSync(countsFolder, { recursive: true, force: true })
}
const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`
console.log(`\n${seconds(startedAt)} in all`)
// The last lines name all that failed, since only the end of a long output may be kept.
for (const failure of failures) console.log(`FAILED ${failure}`)
console.log(`${total.passed} passed, ${failures.length} failed${skipped}`)
process.exitCode = failures.length === 0 && total.passed > 0 && !interrupted ? 0 : 1

function testFiles() {
  return readdirSync(join(root, 'test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => ['test', ...path.split(sep)].join('/'))
    .sort()
}

/** By name, or mixed by a word. */
function inOrder(files, word) {
  if (word === undefined) return files
  const place = (file) => createHash('sha256').update(`${word} ${file}`).digest('hex')
  return files.toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
}

/** Each file goes to the group with the longest prefix that fits, so that a new folder is never forgotten. */
function assignFiles(files) {
  const groups = GROUPS.map((group) => ({ ...group, files: [] }))
  for (const file of files) {
    const fitting = groups
      .flatMap((group) => group.prefixes.map((prefix) => ({ group, prefix })))
      .filter(({ prefix }) => file.startsWith(prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)
    fitting[0].group.files.push(file)
  }
  return groups
}

async function inLanes(queue) {
  const rest = [...queue]
  const lane = async () => {
    for (let group = rest.shift(); group !== undefined; group = rest.shift())
      report(await runGroup(group))
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** Runs a group in a process group of its own, so that a hanging one can be ended as a whole. */
async function runGroup(group) {
  if (group.files.length === 0 || interrupted) return null
  const counts = join(countsFolder, `${group.name}.json`)
  const started = Date.now()
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      '--no-color',
      '--reporter',
      join(root, 'scripts/count-reporter.mjs'),
      '--reporter-option',
      `counts=${counts}`,
      ...group.files,
    ],
    {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder, HOT_STANDBY_TEST_FOLDER: folder, FORCE_COLOR: '0' },
    },
  )
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text))
  let late = false
  const limit = setTimeout(() => {
    late = true
    endGroup(child)
  }, GROUP_LIMIT_MS)
  const closed = new Promise((resolve) => child.once('close', resolve))
  const status = await new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  // A process left behind may hold the pipes open for ever; it is found at the end.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000).unref())])
  clearTimeout(limit)
  running.delete(child)
  return { group, output, status, late, time: seconds(started), counts: readCounts(counts) }
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGTERM')
    setTimeout(() => killGroup(child), 5000).unref()
  } catch {
    // It had ended by itself.
  }
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It had ended by itself.
  }
}

function readCounts(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

function report(result) {
  if (result === null) return
  const { group, output, status, late, time, counts } = result
  console.log(`\n=== ${group.name} (${time}) ===\n${output.trimEnd()}`)
  total.passed += counts?.passed ?? 0
  for (const title of counts?.failed ?? []) failures.push(`${group.name}: ${title}`)
  total.skipped += counts?.skipped.length ?? 0
  for (const title of counts?.skipped ?? []) console.log(`skipped: ${title}`)
  if (late)
    fail(
      `${group.name}: not ended after ${GROUP_LIMIT_MS / 60_000} minutes; something keeps it alive`,
    )
  else if (counts === null) fail(`${group.name}: ended with status ${status} before its tests did`)
  else if (status !== 0 && counts.failed.length === 0)
    fail(`${group.name}: ended with status ${status}`)
}

function fail(text) {
  failures.push(text)
}

/** Counts as one test: no process, file or network namespace of the tests is left. */
function reportLeftBehind() {
  const processes = processesOf(folder)
  const left = [
    ...processes.map(({ pid, text }) => `process ${pid}: ${text}`),
    ...leftBehind(folder).map((path) => `file ${path}`),
    ...namespaces()
      .filter((name) => !namespacesBefore.includes(name))
      .map((name) => `network namespace ${name}`),
  ]
  for (const { pid } of processes) killQuietly(pid)
  if (left.length === 0) {
    console.log('\nNothing was left behind.')
    total.passed++
  } else fail(`left behind:\n  ${left.join('\n  ')}`)
}

function killQuietly(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It had ended by itself.
  }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
