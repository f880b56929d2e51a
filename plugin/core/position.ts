/**
 * How far a standby has applied an active's journal. Positions are snapshots of the active's database
 * (`pg_snapshot` as text), because a sequence is not commit order.
 */
export interface AppliedPosition {
  /** Which server's journal: its server id. */
  readonly sourceId: string
  /** The source's term when the position was taken; a position of another term is another lineage. */
  readonly sourceTerm: number
  readonly snapshot: string
  /** Number of the tick that made the snapshot durable on the source; rises. */
  readonly tickId: string
}
