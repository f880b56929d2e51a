import { HotStandbyError } from '../../errors.ts'
import { describeEnd, lastWords, runCommand } from '../run-command.ts'
import { type BatchRunner, createBatchRunner } from './batch-runner.ts'
import { gateRules, REMOVE_GATE } from './gate-rules.ts'

/**
 * A gate of nftables in front of the virtual IP. The kernel shuts it to the millisecond when nobody prolongs it, while
 * the lifetime of an address ends on whole seconds and late.
 */
export interface Gate {
  /** Opens it or keeps it open for so long. `wasMissing`: it had been open, and somebody had removed it. */
  open(openMs: number): Promise<{ readonly wasMissing: boolean }>
  /** Nothing goes through any more. */
  shut(): Promise<void>
  /** It is there and lets nothing through. */
  isShut(): Promise<boolean>
  /** Ends the process that stands ready. */
  close(): void
}

const TIMEOUT_MS = 2000
const REMEDY =
  'Install nftables, give the agent the right CAP_NET_ADMIN, or turn the gate off in the settings.'

/** Runs nothing until it is used. Errors of all calls: HS_COMMAND_FAILED with what `nft` said. */
export function createGate(address: string): Gate {
  const rules = gateRules(address)
  const nft = createNftRunner()
  let wasOpen = false
  const look = (): Promise<string> => nft.run(rules.look)
  return {
    async open(openMs) {
      const wholeMs = Math.floor(openMs)
      const isProlonged = wasOpen && (await succeeds(nft.run(rules.prolong(wholeMs))))
      if (!isProlonged) await nft.run(rules.define(wholeMs))
      if (!hasElement(await look())) throw failure('the gate is not open after it was opened')
      const wasMissing = wasOpen && !isProlonged
      wasOpen = true
      return { wasMissing }
    },
    async shut() {
      wasOpen = false
      await nft.run(rules.shut)
    },
    isShut: () =>
      look().then(
        (listed) => !hasElement(listed),
        () => false,
      ),
    close: () => nft.close(),
  }
}

/** Why this server could not have a gate; null when it could. Changes nothing. */
export async function gateProblem(): Promise<string | null> {
  const { problem } = await runNft(['--check', gateRules('192.0.2.1').define(1000)])
  return problem
}

/** Lets everything through again, whoever set the gate up; says what kept it from that. Without nftables there is none. */
export async function removeGate(): Promise<string | null> {
  const { problem, isMissing } = await runNft([REMOVE_GATE])
  return isMissing ? null : problem
}

async function runNft(
  args: readonly string[],
): Promise<{ readonly problem: string | null; readonly isMissing: boolean }> {
  const result = await runCommand(['nft', ...args], { timeoutMs: TIMEOUT_MS })
  const said = /^Error: .*$/m.exec(result.stderr)?.[0] ?? lastWords(result)
  const problem =
    result.status === 0 ? null : `nft ${describeEnd(result, TIMEOUT_MS)} ${said}`.trim()
  return { problem, isMissing: result.failure === 'notFound' }
}

function createNftRunner(): BatchRunner {
  return createBatchRunner({
    start: ['nft', '-i'],
    endMark: 'describe ipv4_addr',
    endMarkLine: /^datatype ipv4_addr .*\n/m,
    failed: /^Error: /m,
    failure: (command, said) => failure(`nft ${command}: ${said.trim().split('\n')[0] ?? ''}`),
    async runAlone(command) {
      const result = await runCommand(['nft', command], { timeoutMs: TIMEOUT_MS })
      if (result.status === 0) return result.stdout
      throw failure(`nft ${command} ${describeEnd(result, TIMEOUT_MS)} ${lastWords(result)}`)
    },
  })
}

/** An element that has run out is not listed. */
function hasElement(listed: string): boolean {
  return /\bexpires \d/.test(listed)
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}

function failure(reason: string): HotStandbyError {
  return new HotStandbyError('HS_COMMAND_FAILED', { reason: reason.trim(), remedy: REMEDY })
}
