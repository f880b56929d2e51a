import type { UnsentChange } from '../../plugin/api/status-document.ts'

/** A row that the server that lost had changed, and that the other one has changed since. */
export function unsentChange(change: Partial<UnsentChange> = {}): UnsentChange {
  return {
    id: 'p1',
    keptAt: '2026-03-01T09:00:00.000Z',
    lostTerm: 3,
    schema: 'public',
    table: 'extensions',
    kind: 'row',
    key: ['7'],
    isWinnerKnown: true,
    winnerChanged: true,
    loser: { id: '7', name: '<Ann>' },
    winner: { id: '7', name: 'Bob' },
    ...change,
  }
}
