import { join } from 'node:path'
import type { DrillReport } from '../api/drill-report.ts'
import { readIfThere, writeDurably } from '../files/durable-file.ts'

export interface LastDrill {
  current(): DrillReport | null
  /** Errors: HS_STATE_UNREADABLE. The report is shown all the same until the agent ends. */
  save(report: DrillReport): Promise<void>
}

/** The last rehearsal, across restarts; a damaged file only costs the memory. */
export async function openLastDrill(stateDirectory: string): Promise<LastDrill> {
  const path = join(stateDirectory, 'last-drill.json')
  let current = parse(await readIfThere(path))
  return {
    current: () => current,
    async save(report) {
      current = report
      await writeDurably(path, `${JSON.stringify(report)}\n`)
    },
  }
}

function parse(text: string | null): DrillReport | null {
  try {
    const report = text === null ? null : (JSON.parse(text) as DrillReport | null)
    return Array.isArray(report?.steps) ? report : null
  } catch {
    return null
  }
}
