/** A refusal that is told, with how many of the same came after the one that was told last. */
export interface ToldRefusal {
  readonly path: string
  readonly user: string | null
  readonly more: number
}

const WINDOW_MS = 60_000
/** Paths that one client can make up are told together beyond this many. */
const MOST_KEYS = 50
const OTHERS = 'other paths'

/**
 * What the configuration lock refused, for the history: the first of each path and user at once, the others within the
 * next minute as one number at its end. A client that tries a hundred times a second does not push everything else out.
 */
export class RefusedWrites {
  readonly #tell: (refusal: ToldRefusal) => void
  readonly #windowMs: number
  /** How many more there were, by path and user. */
  readonly #windows = new Map<string, number>()

  constructor(tell: (refusal: ToldRefusal) => void, windowMs = WINDOW_MS) {
    this.#tell = tell
    this.#windowMs = windowMs
  }

  refused(path: string, user: string | null): void {
    const own = keyOf(path, user)
    const isNamed = this.#windows.has(own) || this.#windows.size < MOST_KEYS
    const [name, key] = isNamed ? [path, own] : [OTHERS, keyOf(OTHERS, user)]
    const more = this.#windows.get(key)
    this.#windows.set(key, more === undefined ? 0 : more + 1)
    if (more !== undefined) return
    this.#tell({ path: name, user, more: 0 })
    setTimeout(() => {
      const counted = this.#windows.get(key) ?? 0
      this.#windows.delete(key)
      if (counted > 0) this.#tell({ path: name, user, more: counted })
    }, this.#windowMs).unref()
  }
}

function keyOf(path: string, user: string | null): string {
  return JSON.stringify([path, user])
}
