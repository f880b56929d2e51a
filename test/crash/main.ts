import { allCells, type Cell, cellName, someCells } from './cells.ts'
import { CrashPair } from './matrix.ts'

/** Every cell; or those whose names contain the words given, one after the other. */
const words = process.argv.slice(2)
const share = words[0]?.startsWith('--share=') === true ? Number(words.shift()?.slice(8)) : 1
const chosen = (share === 1 ? allCells() : someCells(share)).filter((cell) =>
  words.every((word) => cellName(cell).includes(word)),
)
const failed: Cell[] = []
const begun = performance.now()
const pair = await CrashPair.start()
try {
  for (const [index, cell] of chosen.entries()) {
    const since = performance.now()
    const name = cellName(cell)
    try {
      await pair.run(cell, `cell ${index}`)
      console.log(`${name}: held (${((performance.now() - since) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed.push(cell)
      console.log(`${name}: FAILED\n${error instanceof Error ? error.stack : String(error)}`)
      break
    }
  }
} finally {
  await pair.destroy()
}
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
console.log(`${chosen.length} cells, ${failed.length} failed, ${seconds} s`)
process.exitCode = failed.length === 0 && chosen.length > 0 ? 0 : 1
