interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** Long enough for every chain of promises between two events of the loop. */
const MICROTASKS = 24

/** Simulated time: events run in order of their time, and every promise settles in between. */
export class Timeline {
  now = 0
  private order = 0
  private readonly heap: Entry[] = []
  private readonly afterEach: () => void

  constructor(afterEach: () => void) {
    this.afterEach = afterEach
  }

  schedule(delayMs: number, run: () => void): () => void {
    const entry = {
      at: this.now + Math.max(0, delayMs),
      order: this.order++,
      run,
      cancelled: false,
    }
    push(this.heap, entry)
    return () => {
      entry.cancelled = true
    }
  }

  async runUntil(end: number): Promise<void> {
    for (let next = this.heap[0]; next !== undefined && next.at <= end; next = this.heap[0]) {
      pop(this.heap)
      if (next.cancelled) continue
      this.now = next.at
      next.run()
      for (let turn = 0; turn < MICROTASKS; turn += 1) await Promise.resolve()
      this.afterEach()
    }
    this.now = end
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(entry, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    if (left >= heap.length) break
    const right = left + 1
    const child = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left
    if (!isBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
