import assert from 'node:assert/strict'
import { MIGRATIONS } from '../../../migrations/index.ts'
import {
  dollarQuote,
  qualifiedName,
  quoteLiteral,
  quoteName,
} from '../../../plugin/db/identifiers.ts'
import { withSchema } from '../../../plugin/db/sql-file.ts'

describe('quoting', () => {
  it('quotes names and texts whatever is in them', () => {
    assert.equal(quoteName('a"b'), '"a""b"')
    assert.equal(qualifiedName('a.b', 'c d'), '"a.b"."c d"')
    assert.equal(quoteLiteral("o'clock"), "'o''clock'")
    assert.equal(quoteLiteral("\\'; drop"), " E'\\\\''; drop'")
  })

  it('finds a dollar tag that the text does not hold', () => {
    assert.equal(dollarQuote('a $hs$ b'), '$hs_$a $hs$ b$hs_$')
  })

  it('puts the schema in for the placeholder and leaves casts alone', () => {
    const sql = withSchema('select :schema.t::text, x::schema', quoteName('$& "odd"'))
    assert.equal(sql, 'select "$& ""odd""".t::text, x::schema')
  })
})

describe('migrations', () => {
  it('hold no question mark, which knex would take for a binding', () => {
    for (const { name, sql } of MIGRATIONS) assert.ok(!sql.includes('?'), name)
  })

  it('name nothing outside their schema or pg_catalog', () => {
    for (const { name, sql } of MIGRATIONS) {
      const targets = [
        ...sql.matchAll(/\b(?:create (?:table|sequence|function)|insert into|index \w+ on) (\S+)/g),
      ]
      assert.ok(targets.length > 5)
      for (const [, target] of targets) assert.match(target ?? '', /^:schema\./, name)
    }
  })
})
