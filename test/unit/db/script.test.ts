import assert from 'node:assert/strict'
import { copyText, textArrayLiteral } from '../../../plugin/db/script.ts'

describe('texts of a script', () => {
  it('writes rows as COPY reads them: null, empty, and what COPY takes for itself', () => {
    const rows = [
      ['1', null, ''],
      ['a\tb', 'c\nd\re', '\\N'],
      ['\\.', 'ñ', "'"],
    ]
    const expected = ['1\t\\N\t', 'a\\tb\tc\\nd\\re\t\\\\N', "\\\\.\tñ\t'"].map(
      (line) => `${line}\n`,
    )
    assert.equal(copyText(rows).toString(), expected.join(''))
  })

  it('writes texts as an array literal, quoted twice', () => {
    assert.equal(textArrayLiteral([]), `'{}'`)
    assert.equal(textArrayLiteral(['a', 'NULL', '', "o'b"]), `'{"a","NULL","","o''b"}'`)
    assert.equal(textArrayLiteral(['"', '\\']), ` E'{"\\\\"","\\\\\\\\"}'`)
  })
})
