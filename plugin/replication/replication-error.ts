/** Why the standby cannot go on from its position; it has to copy afresh. */
export class LineageError extends Error {}

/** The active is not ready to be followed; trying again later helps. */
export class NotReadyError extends Error {}
