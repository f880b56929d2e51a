import { HotStandbyError } from '../../errors.ts'
import { type BatchRunner, createBatchRunner } from './batch-runner.ts'
import { runIp } from './ip-command.ts'

/** One long-lived `ip -force -batch -`; each thing is printed in one line. */
export function createIpRunner(): BatchRunner {
  return createBatchRunner({
    start: ['ip', '-o', '-force', '-batch', '-'],
    // Every network namespace has a loopback interface.
    endMark: 'link show dev lo',
    endMarkLine: /^\d+: lo: <.*\n/m,
    failed: /Command failed/,
    failure: (command, said) => {
      const [line = ''] = said.trim().split('\n')
      return new HotStandbyError('HS_COMMAND_FAILED', {
        reason: `ip ${command}: ${line}`,
        remedy:
          'Give the agent the right CAP_NET_ADMIN, install iproute2, and check the interface.',
      })
    },
    runAlone: (command) => runIp(['-o', ...command.split(' ')]),
  })
}
