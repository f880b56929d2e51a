import assert from 'node:assert/strict'
import { conditionColumns, readRowCondition } from '../../../plugin/config/row-condition.ts'

describe('a condition on rows', () => {
  for (const [condition, columns] of [
    [`owner = 'local'`, ['owner']],
    [`Owner in ('a', 'it''s') and not (n <> -1.5 or n is null)`, ['owner', 'n']],
    [`"Odd ""name" like 'x%' and "select" is not distinct from true`, ['Odd "name', 'select']],
    [`settings ->> 'scope' = 'server' or größe between 1 and 2`, ['settings', 'größe']],
    [`(owner = 'local') or (is_local)`, ['owner', 'is_local']],
  ] as const)
    it(`takes ${condition}`, () => {
      assert.equal(readRowCondition(condition).problem, null)
      assert.deepEqual(conditionColumns(condition), columns)
    })

  for (const hostile of [
    '',
    'true',
    `'a' = 'a'`,
    `owner = 'local'; drop table t`,
    `owner = 'local') or (true`,
    `(owner = 'local'`,
    `owner = 'local' -- more`,
    `owner = 'local' /* more */`,
    `owner in (select name from other)`,
    `exists (select)`,
    `pg_sleep(1) is null or a = 1`,
    `"pg_sleep"(1) is null`,
    `lower (owner) = 'x'`,
    `other.owner = 'x'`,
    `owner = current_user`,
    `owner = $1`,
    `owner = $$x$$`,
    `owner = E'\\x'`,
    `owner = U&'x'`,
    `owner like 'x\\'`,
    `a / b = 1`,
    `a::int = 1`,
    `cast(a as int) = 1`,
    `a operator(public.=) 1`,
    `a ~ '('`,
    `a = 1 union select`,
    `a = 1 order by 2`,
    `date '2020-01-01' > a`,
    `a = 1_000`,
    `owner = 'unended`,
    `a = 1\0`,
    `a = ${'(('.repeat(600)}`,
  ])
    it(`refuses ${JSON.stringify(hostile).slice(0, 60)}`, () => {
      const { problem } = readRowCondition(hostile)
      assert.match(problem ?? '', /^.+ \| Write comparisons/)
      assert.deepEqual(conditionColumns(hostile), [])
    })
})
