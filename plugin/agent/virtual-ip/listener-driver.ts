import { connect } from 'node:net'
import { HotStandbyError } from '../../errors.ts'
import { silentLogger, type Logger } from '../../logger.ts'
import type { VirtualIpDriver } from '../../ports.ts'
import { codeOf } from '../../files/error-code.ts'
import { readCarrier } from './carrier.ts'
import type { ForwardedPort, HolderAnswer } from './holder-protocol.ts'
import { startHolderProcess, type HolderProcess } from './holder-process.ts'
import { answersAtTcp } from './tcp-answer.ts'

export interface ListenerVirtualIpOptions {
  readonly address: string
  /** Ports of the virtual IP and where they lead; at least one. */
  readonly forward: readonly ForwardedPort[]
  /** Its carrier counts, where it has one. */
  readonly interfaceName: string
  readonly logger?: Logger
}

type ProbeResult = Awaited<ReturnType<VirtualIpDriver['probe']>>

const PROBE_TIMEOUT_MS = 500

/**
 * For machines where no address may be added: the virtual IP is an address that every process of the machine can
 * listen on (a second loopback address), and holding it means listening on its ports.
 */
export function createListenerVirtualIp(options: ListenerVirtualIpOptions): VirtualIpDriver {
  const { address, forward, interfaceName, logger = silentLogger } = options
  checkForward(forward)
  let holder: HolderProcess | null = null
  let holding = false

  /** Starting takes longest, so it happens when the claim begins, with the probe. */
  function ready(): HolderProcess {
    if (holder?.alive() !== true) holder = startHolderProcess()
    return holder
  }

  async function end(): Promise<void> {
    holding = false
    const ending = holder
    holder = null
    await ending?.end()
  }

  return {
    name: 'listener',
    async raise(leaseMs) {
      const wasMissing = holding && holder?.alive() !== true
      if (wasMissing) logger.warn({ address }, 'the holder of the virtual IP had ended')
      const answer = await ready().ask({ type: 'hold', address, forward, leaseMs })
      if (answer.failure !== null) throw refused(address, answer)
      holding = true
      return { wasMissing }
    },
    drop: end,
    announce: () => Promise.resolve(), // nothing on a wire has to learn of it
    async probe() {
      if (holding && holder?.alive() === true) return 'free'
      ready()
      const results = await Promise.all(forward.map(({ port }) => probePort(address, port)))
      return results.find((result) => result !== 'free') ?? 'free'
    },
    held: () => Promise.resolve(holding && holder?.alive() === true),
    carrierUp: async () => (await readCarrier(interfaceName)) ?? true,
    async anyReferenceAnswers(addresses, timeoutMs) {
      const answers = await Promise.all(addresses.map((each) => answersAtTcp(each, timeoutMs)))
      return answers.includes(true)
    },
    close: end,
  }
}

/** A hung holder does not answer, but its kernel accepts: silence counts as held. */
function probePort(address: string, port: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const settle = (result: ProbeResult) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const timer = setTimeout(settle, PROBE_TIMEOUT_MS, 'heldByPeer')
    socket.once('connect', () => settle('heldByPeer'))
    socket.once('error', (error) =>
      settle(codeOf(error) === 'ECONNREFUSED' ? 'free' : 'notBelievable'),
    )
  })
}

function checkForward(forward: readonly ForwardedPort[]): void {
  if (forward.length > 0) return
  throw new HotStandbyError('HS_CONFIG_INVALID', {
    fields: [
      {
        field: 'network.forward',
        value: '[]',
        message: 'is empty, but the driver `listener` needs ports',
        remedy: 'Name at least one port of the virtual IP and where it leads.',
      },
    ],
  })
}

const REASONS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  EADDRINUSE: [
    'is in use by another process',
    'Stop that process, or configure another port in network.forward.',
  ],
  EADDRNOTAVAIL: [
    'is not an address of this machine',
    'Use an address that this machine has, such as 127.0.0.10, or the driver `kernel`.',
  ],
  EACCES: ['may not be listened on', 'Use ports from 1024, or grant CAP_NET_BIND_SERVICE.'],
}

function refused(address: string, { failure }: HolderAnswer): HotStandbyError {
  const code = failure?.code ?? 'unknown error'
  const [what, remedy] = REASONS[code] ?? [`cannot be listened on (${code})`, undefined]
  const where = failure?.port == null ? address : `${address}:${failure.port}`
  return new HotStandbyError('HS_COMMAND_FAILED', {
    reason: `${where} ${what}`,
    code,
    ...(remedy === undefined ? {} : { remedy }),
  })
}
