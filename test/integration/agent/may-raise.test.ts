import assert from 'node:assert/strict'
import { proveKernelRight, proveListenRight } from '../../../plugin/agent/virtual-ip/may-raise.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { runCommand } from '../../../plugin/agent/run-command.ts'
import { asOrdinaryUser } from '../../support/as-ordinary-user.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

describe('the right to set the virtual IP, without setting it', () => {
  const folder = temporaryFolder()
  after(() => folder.remove())

  it('is proved by the kernel, and an agent without CAP_NET_ADMIN is told what to give it', async function () {
    if ((await runCommand(['ip', '-V'], { timeoutMs: 2000 })).status !== 0) {
      process.stdout.write('    skipped: iproute2 is not on this machine\n')
      return this.skip()
    }
    if (process.geteuid?.() === 0) await proveKernelRight('lo')
    await asOrdinaryUser(folder.path, async () => {
      await assert.rejects(proveKernelRight('lo'), ({ code, details }: HotStandbyError) => {
        assert.match(details.reason ?? '', /Operation not permitted/)
        assert.match(details.remedy ?? '', /CAP_NET_ADMIN/)
        return code === 'HS_COMMAND_FAILED'
      })
    })
  })

  it('to listen is there for an address of this machine, and for no other', async () => {
    await proveListenRight('127.0.0.10')
    await assert.rejects(proveListenRight('192.0.2.10'), /cannot be listened on \(EADDRNOTAVAIL\)/)
  })
})
