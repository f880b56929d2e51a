import { reportLines, type Report } from './report.ts'

const LABEL = 330
const PLOT = 420
const ROW = 22
const TOP = 56
/** The scale goes from a sixteenth of native's time to sixteen times it. */
const WIDEST = 4

/** Ours beside native as a picture: a bar to the left is quicker, one to the right slower, on a logarithmic scale. */
export function chart(report: Report): string {
  const bars = reportLines(report)
    .filter(({ ratio }) => ratio !== null && Number.isFinite(ratio))
    // Of a throughput more is better, so that its ratio is turned round.
    .map(({ work, ratio }) => ({
      work,
      times: work.endsWith('/ off') && work.startsWith('writers') ? 1 / (ratio ?? 1) : (ratio ?? 1),
    }))
  const height = TOP + bars.length * ROW + 30
  const middle = LABEL + PLOT / 2
  const position = (times: number): number => {
    const power = Math.max(-WIDEST, Math.min(WIDEST, Math.log2(times)))
    return middle + (power / WIDEST) * (PLOT / 2)
  }
  const ticks = [1 / 16, 1 / 4, 1, 4, 16].map(
    (
      times,
    ) => `<line x1="${position(times)}" x2="${position(times)}" y1="${TOP - 8}" y2="${height - 24}" stroke="${times === 1 ? '#333' : '#ccc'}"/>
<text x="${position(times)}" y="${height - 8}" text-anchor="middle">${times < 1 ? `1/${1 / times}` : times}</text>`,
  )
  const rows = bars.map(({ work, times }, index) => {
    const y = TOP + index * ROW
    const [from, to] = [Math.min(middle, position(times)), Math.max(middle, position(times))]
    return `<text x="${LABEL - 10}" y="${y + 13}" text-anchor="end">${escape(work)}</text>
<rect x="${from}" y="${y + 2}" width="${Math.max(1, to - from)}" height="${ROW - 8}" fill="${times <= 1 ? '#2a7f4f' : '#b5651d'}"/>
<text x="${times <= 1 ? from - 6 : to + 6}" y="${y + 13}" text-anchor="${times <= 1 ? 'end' : 'start'}">${round(times)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL + PLOT + 60}" height="${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Time of this replication as a multiple of native logical replication's">
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="20" font-size="15" font-weight="bold">Time as a multiple of native logical replication's</text>
<text x="10" y="38">left of 1 is quicker than native, right of it slower; medians of ${report.runs} interleaved runs</text>
${[...ticks, ...rows].join('\n')}
</svg>
`
}

function round(times: number): string {
  return times >= 10 ? times.toFixed(0) : times.toFixed(2)
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
