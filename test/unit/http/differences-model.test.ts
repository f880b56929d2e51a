import assert from 'node:assert/strict'
import { marked } from '../../../plugin/http/view-models/differences-model.ts'

describe('a row that differs', () => {
  it('is marked where it does, and nowhere else', () => {
    const short = { before: '(1,Ann', differs: '', after: ',x)' }
    assert.deepEqual(marked('(1,Ann,x)', '(1,Anna,x)'), short)
    assert.equal(marked('(1,Anna,x)', '(1,Ann,x)').differs, 'a')
    assert.deepEqual(marked('aa', 'a'), { before: 'a', differs: 'a', after: '' })
    assert.deepEqual(marked('(1)', '(2)'), { before: '(', differs: '1', after: ')' })
  })

  it('is not marked when the other server has no such row', () => {
    assert.deepEqual(marked('(1)', null), { before: '', differs: '', after: '(1)' })
  })
})
