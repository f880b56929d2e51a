// Compiles the package into dist/ and puts the files that TypeScript does not know beside it.
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const ASSET_EXTENSIONS = new Set(['.sql', '.hbs', '.css', '.js', '.svg', '.json'])

rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
for (const folder of ['plugin', 'migrations', 'hooks', 'views']) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !ASSET_EXTENSIONS.has(extname(entry.name))) continue
    const from = join(entry.parentPath, entry.name)
    const to = join(root, 'dist', from.slice(root.length))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(from, to)
  }
}
chmodSync(join(root, 'dist/plugin/cli/main.js'), 0o755)
