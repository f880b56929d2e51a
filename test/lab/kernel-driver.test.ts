import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const storyAt = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const AS_ORDINARY_USER = ['--user', '--map-root-user']
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child']
/** Named namespaces live below /run, which an ordinary user may not write: so there is a /run of our own. */
const OWN_RUN = 'mount -t tmpfs none /run && mount -t sysfs none /sys && exec "$@"'

/** Everything that the story makes goes with the namespaces when its process ends. */
function inNamespaces(...command: string[]): Promise<{ stdout: string }> {
  const user = process.getuid?.() === 0 ? [] : AS_ORDINARY_USER
  return run('unshare', [...user, ...NAMESPACES, 'sh', '-c', OWN_RUN, 'sh', ...command], {
    timeout: 60_000,
  })
}

describe('The kernel driver on real network hosts', function () {
  this.timeout(70_000)

  before(async function () {
    try {
      await inNamespaces('ip', 'netns', 'add', 'try')
    } catch (error) {
      console.log(
        `skipped: no network namespaces here: ${(error as Error).message.split('\n')[0] ?? ''}`,
      )
      this.skip()
    }
  })

  it('leases, probes, restores and announces the virtual IP of both families', async () => {
    const { stdout } = await inNamespaces(
      process.execPath,
      '--import=tsx',
      storyAt('kernel-story.ts'),
    )
    assert.equal(stdout.match(/^held: /gm)?.length, 11, stdout)
  })

  it('shuts the gate before the virtual IP to the millisecond, and leaves none behind', async function () {
    try {
      await inNamespaces('nft', 'list', 'ruleset')
    } catch (error) {
      console.log(`skipped: no nftables here: ${(error as Error).message.split('\n')[0] ?? ''}`)
      return this.skip()
    }
    const { stdout } = await inNamespaces(
      process.execPath,
      '--import=tsx',
      storyAt('gate-story.ts'),
    )
    assert.equal(stdout.match(/^held: /gm)?.length, 13, stdout)
  })
})
