import type { StreamEvent } from './agent-api.ts'

/** Server-sent events from pieces of text, as they arrive; unknown events and comments are passed over. */
export function createEventParser(onEvent: (event: StreamEvent) => void): (piece: string) => void {
  let rest = ''
  return (piece) => {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parseBlock(block)
      if (event !== null) onEvent(event)
    }
  }
}

function parseBlock(block: string): StreamEvent | null {
  const field = (name: string) =>
    block
      .split('\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n')
  const name = field('event')
  if (name !== 'status' && name !== 'history') return null
  const data: unknown = JSON.parse(field('data'))
  return { name, data } as StreamEvent
}
