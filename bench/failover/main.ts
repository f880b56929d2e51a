// Failover beside keepalived, in the same lab and with the same client; see docs/internals/performance.md. --runs N;
// --only names systems, --fault faults; --json prints the figures only; --chart FILE.svg draws them.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { networkFaults, serverFaults } from '../../test/support/lab/faults.ts'
import { machineFaults } from '../../test/support/lab/machine-faults.ts'
import { measure } from '../../test/support/lab/measure.ts'
import { openPair } from '../../test/support/lab/pair.ts'
import { PROFILES } from '../../test/support/lab/profiles.ts'
import { isKeepalivedHere, openKeepalived } from './keepalived.ts'
import { type Fault, FAULTS, type Outcome, type Run } from './outcome.ts'
import { failoverChart, failoverTable } from './report.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    fault: { type: 'string', default: '' },
    json: { type: 'boolean' },
    chart: { type: 'string' },
  },
})
const runs = Number(values.runs)
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs ${values.runs} is not a number of runs: give a whole number from 1`)
const KEEPALIVED_SECONDS = [1, 0.25]

interface System {
  readonly name: string
  /** Null where it cannot be tried, with the reason printed. */
  open(): Promise<Opened | null>
}

interface Opened {
  measure(fault: Fault): Promise<Run>
  close(): Promise<void>
}

const ours = PROFILES.filter(({ pair }) => pair.witness !== true && pair.clocks !== true).map(
  ({ name, pair: times }): System => ({
    name: `hot standby, ${name} (${times.deadTimeMs ?? 0} ms)`,
    async open() {
      const pair = await openPair({ program: 'source', ...times })
      if (pair === null) return null
      const deadMs = times.deadTimeMs ?? 0
      const faults = [
        ...serverFaults({ deadMs }),
        ...networkFaults({ deadMs }),
        ...machineFaults({ deadMs }),
      ]
      return {
        async measure(fault) {
          const scenario = faults.find(({ name: one }) => one === fault)
          if (scenario === undefined) throw new Error(`the lab has no fault ${fault}`)
          return measure(pair, scenario)
        },
        close: () => pair.close(),
      }
    },
  }),
)
const keepalived = KEEPALIVED_SECONDS.map((seconds): System => ({
  name: `keepalived, advertisements every ${seconds} s`,
  async open() {
    if (await isKeepalivedHere()) return openKeepalived(seconds)
    console.error('skipped: there is no keepalived here (Debian: keepalived)')
    return null
  },
}))

const chosen = [...ours, ...keepalived].filter(({ name }) => name.includes(values.only ?? ''))
if (chosen.length === 0)
  throw new Error(`--only ${values.only ?? ''}: no system has that in its name`)
const faults = FAULTS.filter((fault) => fault.includes(values.fault))
if (faults.length === 0)
  throw new Error(`--fault ${values.fault}: none has that in its name: ${FAULTS.join(', ')}`)
const outcomes: Outcome[] = []
for (const system of chosen) await tryOut(system)
console.log(values.json === true ? JSON.stringify(outcomes, null, 2) : failoverTable(outcomes))
if (values.chart !== undefined) await writeFile(values.chart, failoverChart(outcomes))

async function tryOut(system: System): Promise<void> {
  const opened = await system.open()
  if (opened === null) return
  const found = new Map<Fault, Run[]>(faults.map((fault) => [fault, []]))
  try {
    for (let run = 1; run <= runs; run += 1)
      for (const fault of faults) {
        const { outageMs, bothHeldMs, requestsFailed } = await opened.measure(fault)
        found.get(fault)?.push({ outageMs, bothHeldMs, requestsFailed })
        const more = `two holders ${bothHeldMs} ms, ${requestsFailed} failed`
        console.error(`${run}/${runs} ${system.name}: ${fault}: ${outageMs} ms, ${more}`)
      }
  } finally {
    await opened.close()
  }
  for (const [fault, measured] of found)
    outcomes.push({ system: system.name, fault, runs: measured })
}
