interface Snapshot {
  readonly xmin: bigint
  readonly xmax: bigint
  readonly inProgress: ReadonlySet<bigint>
}

function parse(text: string): Snapshot {
  const [xmin, xmax, list] = text.split(':')
  const inProgress = (list ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map(BigInt)
  return { xmin: BigInt(xmin ?? 0), xmax: BigInt(xmax ?? 0), inProgress: new Set(inProgress) }
}

/**
 * Everything that `wanted` sees is seen by `applied` too. Numbers of ticks do not tell: a batch may take its snapshot
 * before another tick is written and its own number after it.
 */
export function covers(applied: string, wanted: string): boolean {
  const have = parse(applied)
  const want = parse(wanted)
  if (have.xmax < want.xmax) return false
  return [...have.inProgress].every((xid) => xid >= want.xmax || want.inProgress.has(xid))
}
