import { format } from 'prettier'
import { TRANSITIONS } from '../plugin/core/decide.ts'

const INTRODUCTION = `# State machine

<!-- Printed by scripts/print-state-machine.ts; do not edit. -->

What each server does, by state and event. The table is complete: a missing cell does not compile. Its decisions are
pure; \`plugin/core/decide.ts\` asserts the invariants of \`plugin/core/invariants.ts\` after every step.

| state | virtual IP | meaning |
| --- | --- | --- |
| \`unpaired\` | no | not in a pair |
| \`boot\` | no | the agent has started and listens |
| \`standby\` | no | the peer is heard |
| \`suspect\` | no | the peer is silent for longer than the warn time |
| \`claiming\` | no | the guards of a take-over run |
| \`takingOver\` | no | a planned take-over: the active hands over |
| \`active\` | **yes** | serves |
| \`handingOver\` | yes, then no | the peer takes over as planned |
| \`rechecking\` | no | was active and lost the right to be; the service is held |
| \`fault\` | no | cannot serve, or is being stopped |
`

/** The page docs/reference/state-machine.md, as the table has it. */
export function stateMachinePage(): Promise<string> {
  const sections = Object.entries(TRANSITIONS).map(([name, row]) => section(name, row))
  return format([INTRODUCTION, ...sections].join('\n'), { parser: 'markdown', printWidth: 100 })
}

interface Cell {
  readonly to: readonly string[]
  readonly does: string
}

function section(name: string, row: Readonly<Record<string, Cell>>): string {
  const lines = Object.entries(row)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([event, { to, does }]) => `| \`${event}\` | ${does} | ${nextStates(name, to)} |`)
  return [
    `## ${name}`,
    '',
    '| event | what it does | next |',
    '| --- | --- | --- |',
    ...lines,
    '',
  ].join('\n')
}

function nextStates(name: string, to: readonly string[]): string {
  return to.map((next) => (next === name ? 'same' : `\`${next}\``)).join(', ')
}
