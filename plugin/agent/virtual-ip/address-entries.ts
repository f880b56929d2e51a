/** One address as `ip -o addr show` prints it. */
export interface AddressEntry {
  readonly interfaceName: string
  readonly prefixLength: number
  /** Null: for ever. */
  readonly remainingSeconds: number | null
}

const LINE = /^\d+: (\S+)\s+inet6? \S+?\/(\d+) .*?valid_lft (forever|\d+)/

export function readAddressEntries(printed: string): readonly AddressEntry[] {
  return printed.split('\n').flatMap((line) => {
    const [, interfaceName, prefixLength, lifetime] = LINE.exec(line) ?? []
    if (interfaceName === undefined) return []
    return [
      {
        interfaceName,
        prefixLength: Number(prefixLength),
        remainingSeconds: lifetime === 'forever' ? null : Number(lifetime),
      },
    ]
  })
}

/** The same address set up by somebody else, which no lease would ever take away; null when there is none. */
export function foreignEntry(
  entries: readonly AddressEntry[],
  own: { readonly interfaceName: string; readonly prefixLength: number; readonly held: boolean },
): AddressEntry | null {
  const foreign = entries.find(
    (entry) =>
      entry.interfaceName !== own.interfaceName ||
      entry.prefixLength !== own.prefixLength ||
      (entry.remainingSeconds === null && !own.held),
  )
  return foreign ?? null
}
