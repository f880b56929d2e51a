import { createServer } from 'node:net'
import { HotStandbyError } from '../../errors.ts'
import { codeOf } from '../../files/error-code.ts'
import { runCommand, describeEnd, lastWords } from '../run-command.ts'

/** No interface can have it, so that taking it away changes nothing. */
const NOBODYS = '255.255.255.255/32'
const TIMEOUT_MS = 2000

/**
 * Whether this process could set an address on the interface, without setting one: the kernel looks at the right before
 * it looks for the address. Errors: HS_COMMAND_FAILED.
 */
export async function proveKernelRight(interfaceName: string): Promise<void> {
  const command = ['ip', 'addr', 'del', NOBODYS, 'dev', interfaceName]
  const result = await runCommand(command, { timeoutMs: TIMEOUT_MS })
  const words = lastWords(result)
  if (result.status !== null && /Cannot assign requested address|not found/i.test(words)) return
  throw new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `ip ${describeEnd(result, TIMEOUT_MS)} ${words}`.trim(),
    remedy: 'Give the agent the right CAP_NET_ADMIN, install iproute2, and check the interface.',
  })
}

/** Whether this process may listen at the address; at a port of the kernel's choice. Errors: HS_COMMAND_FAILED. */
export function proveListenRight(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause) =>
      reject(
        new HotStandbyError(
          'HS_COMMAND_FAILED',
          {
            reason: `${address} cannot be listened on (${codeOf(cause)})`,
            remedy: 'Use an address that this machine has, or the driver `kernel`.',
          },
          { cause },
        ),
      ),
    )
    server.listen({ host: address, port: 0 }, () => server.close(() => resolve()))
  })
}
