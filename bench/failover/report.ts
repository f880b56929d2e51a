import { median } from '../statistics.ts'
import { FAULTS, type Outcome, type Run } from './outcome.ts'

/** Markdown: a line for each fault and system, times in ms. */
export function failoverTable(outcomes: readonly Outcome[]): string {
  const lines = outcomes
    .toSorted((one, other) => FAULTS.indexOf(one.fault) - FAULTS.indexOf(other.fault))
    .map(({ fault, system, runs }) => {
      const { middle, least, most } = spread(runs, ({ outageMs }) => outageMs)
      const both = spread(runs, ({ bothHeldMs }) => bothHeldMs).middle
      const failed = spread(runs, ({ requestsFailed }) => requestsFailed).middle
      return `| ${fault} | ${system} | ${middle} | ${least} – ${most} | ${both} | ${failed} |`
    })
  return [
    '| fault | system | without service, median | min – max | two holders, median | requests failed, median |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

const LABEL = 330
const PLOT = 460
const ROW = 18
const COLOURS = ['#1b5e3b', '#3a9d69', '#9bd3b4', '#b5651d', '#e0b080']

/** The median time without service of each system, fault by fault; a second holder is marked. */
export function failoverChart(outcomes: readonly Outcome[]): string {
  const systems = [...new Set(outcomes.map(({ system }) => system))]
  const longest = Math.max(...outcomes.map(({ runs }) => spread(runs, outageOf).middle), 1)
  const top = 30 + systems.length * ROW
  const parts = systems.map(
    (system, index) =>
      `<rect x="10" y="${24 + index * ROW}" width="12" height="12" fill="${colourOf(index)}"/><text x="28" y="${34 + index * ROW}">${escape(system)}</text>`,
  )
  let y = top + 10
  for (const fault of FAULTS) {
    const rows = outcomes.filter((one) => one.fault === fault)
    if (rows.length === 0) continue
    parts.push(`<text x="10" y="${y + 12}" font-weight="bold">${escape(fault)}</text>`)
    for (const { system, runs } of rows) {
      const { middle } = spread(runs, outageOf)
      const both = spread(runs, ({ bothHeldMs }) => bothHeldMs).middle
      const width = Math.max(1, (middle / longest) * PLOT)
      const more = both > 0 ? `, two holders for ${both} ms` : ''
      parts.push(
        `<rect x="${LABEL - 130}" y="${y}" width="${width}" height="${ROW - 6}" fill="${colourOf(systems.indexOf(system))}"/><text x="${LABEL - 124 + width}" y="${y + 11}">${middle} ms${more}</text>`,
      )
      y += ROW
    }
    y += 8
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL + PLOT + 140}" height="${y + 10}" font-family="sans-serif" font-size="12" role="img" aria-label="Time without service after a fault, beside keepalived">
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="16" font-size="15" font-weight="bold">Time without service, medians</text>
${parts.join('\n')}
</svg>
`
}

function outageOf({ outageMs }: Run): number {
  return outageMs
}

function spread(
  runs: readonly Run[],
  read: (run: Run) => number,
): { readonly middle: number; readonly least: number; readonly most: number } {
  const values = runs.map(read)
  return { middle: median(values), least: Math.min(...values), most: Math.max(...values) }
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000'
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
