import { cellName, someCells } from './cells.ts'
import { CrashPair } from './matrix.ts'

/** How much of the matrix is part of every run; `npm run test:crash` is all of it. */
const SHARE = 10

describe('crash matrix', function () {
  this.timeout(60_000)
  let pair: CrashPair

  before(async function () {
    this.timeout(120_000)
    pair = await CrashPair.start()
  })

  after(async function () {
    this.timeout(60_000)
    await pair?.destroy()
  })

  for (const [index, cell] of someCells(SHARE).entries())
    it(cellName(cell), () => pair.run(cell, `cell ${index}`))
})
