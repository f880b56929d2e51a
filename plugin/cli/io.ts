import { createInterface } from 'node:readline/promises'

/** Where a command writes; a test gives its own. */
export interface CliIo {
  /** One line of the answer, to standard output. */
  out(line: string): void
  /** One line for the human beside the answer, to standard error. */
  err(line: string): void
  /** One line from the person at the terminal; null when there is no terminal. */
  ask?(question: string): Promise<string | null>
  /** Clears the terminal before a repeated view; does nothing when the output is no terminal. */
  clear(): void
}

/** The process's own streams. */
export const processIo: CliIo = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  async ask(question) {
    if (!process.stdin.isTTY) return null
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return await terminal.question(question)
    } finally {
      terminal.close()
    }
  },
  clear: () => {
    if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H')
  },
}
