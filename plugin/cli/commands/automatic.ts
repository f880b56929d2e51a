import type { AddCommand } from '../command-context.ts'

const LINES = {
  on: 'Automatic take-over is on: the standby takes over when the active server fails.',
  off: 'Automatic take-over is off: both servers watch and raise alarms, and neither takes over by itself.',
  held: 'Automatic take-over is held: the role has changed too often.',
} as const

export const addAutomatic: AddCommand = (program, action) => {
  const automatic = program
    .command('automatic')
    .description('switch automatic take-over for the pair; `on` also ends a hold')
  for (const [name, on, description] of [
    ['on', true, 'the standby takes over when the active server fails; ends a hold'],
    ['off', false, 'both servers go on watching, and never act by themselves'],
  ] as const) {
    automatic
      .command(name)
      .description(description)
      .action(
        action(async (context) => {
          const answer = await context.agent().setAutomatic({ on })
          return { document: answer, lines: [LINES[answer.automaticTakeOver.state]] }
        }),
      )
  }
}
