import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { schemaFields } from '../scripts/configuration-page.ts'
import { CONFIGURATION_FIELDS } from '../scripts/configuration-fields.ts'
import { referencePages } from '../scripts/reference-pages.ts'

const ROOT = join(import.meta.dirname, '..')
const LONGEST_FILE_LINES = 350

/** What each folder may import besides itself, as docs/internals/architecture.md says; the first that fits decides. */
const DIRECTIONS: readonly { readonly from: string; readonly to: readonly string[] }[] = [
  { from: 'plugin/core/', to: [] },
  { from: 'plugin/errors.ts', to: [] },
  { from: 'plugin/logger.ts', to: [] },
  { from: 'plugin/files/', to: ['plugin/errors.ts'] },
  { from: 'plugin/api/', to: ['plugin/core/', 'plugin/errors.ts'] },
  { from: 'plugin/ports.ts', to: ['plugin/core/', 'plugin/api/'] },
  { from: 'plugin/config/', to: ['plugin/core/', 'plugin/errors.ts'] },
  { from: 'plugin/db/', to: ['plugin/errors.ts', 'plugin/logger.ts'] },
  { from: 'plugin/replication/', to: [...common(), 'plugin/db/', 'migrations/'] },
  { from: 'plugin/agent/', to: [...common(), 'plugin/files/'] },
  { from: 'plugin/channel/', to: [...common(), 'plugin/files/'] },
  { from: 'plugin/notification/', to: [...common(), 'plugin/files/'] },
  { from: 'plugin/http/', to: [...web(), 'views/'] },
  { from: 'hooks/', to: web() },
  {
    from: 'plugin/cli/',
    to: [
      ...['plugin/core/', 'plugin/api/', 'plugin/config/', 'plugin/errors.ts', 'plugin/db/'],
      ...['plugin/create-node-agent.ts', 'plugin/replication/migrate-database.ts'],
      ...['plugin/package-version.ts', 'plugin/files/'],
      ...['plugin/replication/open-database.ts', 'plugin/replication/remove-from-database.ts'],
    ],
  },
  { from: 'plugin/', to: [''] },
  { from: 'migrations/', to: ['plugin/db/'] },
  { from: 'examples/', to: ['plugin/index.ts'] },
]

function common(): string[] {
  return [
    ...['plugin/core/', 'plugin/api/', 'plugin/ports.ts', 'plugin/config/'],
    ...['plugin/errors.ts', 'plugin/logger.ts'],
  ]
}

function web(): string[] {
  return [
    ...['plugin/core/', 'plugin/api/', 'plugin/config/'],
    ...['plugin/errors.ts', 'plugin/logger.ts'],
  ]
}

const files = listFiles()
const sources = files.filter((path) => /\.(ts|mjs|js)$/.test(path))

describe('The house', () => {
  it('has the folders and files that the rules below look at', () => {
    assert.ok(sources.length > 100, `only ${sources.length} source files found`)
    for (const path of ['plugin/errors.ts', 'migrations/index.ts', 'README.md', 'CHANGELOG.md'])
      assert.ok(files.includes(path), path)
  })

  it('imports in one direction only', () => {
    const wrong = sources.flatMap((path) =>
      importsOf(path)
        .filter((imported) => !mayImport(path, imported))
        .map((imported) => `${path} imports ${imported}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('refuses a wrong direction when there is one', () => {
    assert.equal(mayImport('plugin/core/decide.ts', 'node:fs'), false)
    assert.equal(mayImport('plugin/core/decide.ts', 'plugin/errors.ts'), false)
    assert.equal(mayImport('plugin/agent/a.ts', 'plugin/replication/b.ts'), false)
    assert.equal(mayImport('examples/platform/main.ts', 'plugin/http/router.ts'), false)
    assert.equal(mayImport('examples/platform/main.ts', 'plugin/index.ts'), true)
    assert.equal(mayImport('examples/platform/main.ts', 'examples/platform/options.ts'), true)
  })

  it('names files in kebab-case', () => {
    const numbered = /^\d{4}_[a-z0-9]+(-[a-z0-9]+|_[a-z0-9]+)*\.(ts|sql)$/
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
    const wrong = files.filter((path) => {
      if (!/^(plugin|hooks|migrations|views|examples|test|scripts|bench|docs)\//.test(path))
        return false
      const name = basename(path)
      if (name === 'README.md') return false
      return !(kebab.test(name) || (path.includes('migrations/') && numbered.test(name)))
    })
    assert.deepEqual(wrong, [])
  })

  it(`has no source file of plugin/ with more than ${LONGEST_FILE_LINES} lines`, () => {
    const long = files
      .filter((path) => /^plugin\/.*\.(ts|sql)$/.test(path))
      .map((path) => `${path}: ${read(path).split('\n').length - 1}`)
      .filter((text) => Number(text.split(': ')[1]) > LONGEST_FILE_LINES)
    assert.deepEqual(long, [])
  })

  it('has no enum, no focused test and no unfinished mark', () => {
    const rules: readonly (readonly [RegExp, RegExp])[] = [
      [
        /^(plugin|hooks|migrations|examples|test|scripts)\/.*\.ts$/,
        /^\s*(export )?(const )?enum \w/mu,
      ],
      [/^test\/.*\.ts$/, /\b(describe|it|context)\.on[l]y\(/u],
      [/\.(ts|mjs|js|sql|hbs|css|md)$/, /\b(TO[D]O|FIX[M]E|XX[X])\b/u],
    ]
    const wrong = rules.flatMap(([where, what]) =>
      files
        .filter((path) => where.test(path) && what.test(read(path)))
        .map((path) => `${path}: ${what.source}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('escapes everything in views', () => {
    const raw = files.filter((path) => /^views\/.*\.hbs$/.test(path) && read(path).includes('{{{'))
    assert.deepEqual(raw, [])
    assert.ok(
      files.some((path) => /^views\/.*\.hbs$/.test(path)),
      'there are views',
    )
  })

  it('keeps the words of this workplace and secrets out', () => {
    // No path of a developer's machine; the examples' own password and token are meant to be seen.
    const pattern = /\/home\/\w+\/|\/Users\/\w+\/|BEGIN (RSA |EC )?PRIVATE KEY/u
    const wrong = files
      .filter((path) => /\.(ts|mjs|js|md|json)$/.test(path) && path !== 'package-lock.json')
      .filter((path) => path !== 'test/tidy.test.ts' && pattern.test(read(path)))
    assert.deepEqual(wrong, [])
  })
})

describe('The documentation', () => {
  it('has the reference pages as the code prints them: npm run docs', async () => {
    for (const [path, text] of Object.entries(await referencePages())) {
      assert.ok(existsSync(join(ROOT, path)), `${path} is missing`)
      assert.equal(read(path), text, `${path} differs from the code`)
    }
  })

  it('says what each field of the configuration file means, and of no other', () => {
    const fields = schemaFields().map((field) => field.path)
    assert.deepEqual(Object.keys(CONFIGURATION_FIELDS).sort(), [...fields].sort())
  })

  it('has a row and a test for each pitfall of replication, A1 to H11', () => {
    const rows = [...read('docs/internals/pitfalls.md').matchAll(PITFALL_ROW)].map(
      ([, id = '', path = '', title = '']) => ({ id, path, title }),
    )
    const wanted = Object.entries({ A: 15, B: 19, C: 17, D: 18, E: 13, F: 6, G: 7, H: 11 }).flatMap(
      ([letter, last]) => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`),
    )
    assert.deepEqual(
      rows.map((row) => row.id),
      wanted,
    )
    const missing = rows.filter(({ path, title }) => {
      const titles = [...read(path).matchAll(/\bit\(\s*['"`](.*)['"`]/gu)].map(
        ([, text = '']) => text,
      )
      return !titles.some((text) =>
        /^[A-H]\d+$/u.test(title) ? pitfallsOf(text).includes(title) : text === title,
      )
    })
    assert.deepEqual(missing, [])
  })

  it('has links that lead somewhere', () => {
    const dead = files
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => linksOf(path).map((link) => ({ path, link })))
      .filter(({ path, link }) => !existsSync(join(ROOT, dirname(path), link)))
      .map(({ path, link }) => `${path}: ${link}`)
    assert.deepEqual(dead, [])
  })

  it("shows the example platform's own lines as the installation", () => {
    const [, region] =
      /#region hot standby.*\n([\s\S]*?)\n\s*\/\/ #endregion hot standby/u.exec(
        read('examples/platform/create-platform.ts'),
      ) ?? []
    const blocks = [...read('README.md').matchAll(/```ts\n([\s\S]*?)```/gu)].map((match) =>
      withoutIndent(match[1] ?? ''),
    )
    assert.ok(region !== undefined, 'the platform marks its lines')
    assert.ok(blocks.includes(withoutIndent(region)), `README needs:\n${withoutIndent(region)}`)
  })
})

const PITFALL_ROW = /^\| ([A-H]\d+) +\|.*\]\(\.\.\/\.\.\/([^)]+)\): (.*?) +\|$/gmu

/** The pitfalls that a test is about: `A6, A7: title`. */
function pitfallsOf(title: string): readonly string[] {
  return (/^((?:[A-H]\d+(?:, )?)+):/u.exec(title)?.[1] ?? '').split(', ')
}

function listFiles(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return listed.split('\n').filter((path) => path !== '' && existsSync(join(ROOT, path)))
  } catch {
    // An unpacked archive has no git.
    const skipped = /^(node_modules|dist|\.git|\.tmp)(\/|$)/
    return readdirSync(ROOT, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
      .filter((path) => !skipped.test(path))
  }
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Paths from the root for relative imports, names for the others. */
function importsOf(path: string): string[] {
  const specifiers = ts.preProcessFile(read(path)).importedFiles.map((file) => file.fileName)
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(ROOT, join(ROOT, dirname(path), specifier)) : specifier,
  )
}

function mayImport(path: string, imported: string): boolean {
  const rule = DIRECTIONS.find(({ from }) => path.startsWith(from))
  if (rule === undefined) return true
  const inside = /^(plugin|hooks|migrations|views|examples|test|scripts|bench)\//.test(imported)
  if (!inside) return rule.from !== 'plugin/core/' || imported.startsWith('plugin/core/')
  return imported.startsWith(rule.from) || rule.to.some((to) => imported.startsWith(to))
}

function linksOf(path: string): string[] {
  return [...read(path).matchAll(/\]\(([^)\s]+)\)/gu)]
    .map((match) => (match[1] ?? '').split('#')[0] ?? '')
    .filter((link) => link !== '' && !/^[a-z]+:/u.test(link))
}

function withoutIndent(text: string): string {
  const lines = text.replace(/^\n+|\s+$/gu, '').split('\n')
  const indents = lines
    .filter((line) => line.trim() !== '')
    .map((line) => /^ */.exec(line)?.[0].length ?? 0)
  const least = Math.min(...indents)
  return lines.map((line) => line.slice(least)).join('\n')
}
