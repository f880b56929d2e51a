// Mocha's `spec` output, and the counts as JSON in the file that the option `counts` names.
import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

export default class CountReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const counts = { passed: 0, failed: [], skipped: [] }
    runner.on('pass', () => counts.passed++)
    runner.on('fail', (test, error) => {
      const [reason] = String(error?.message ?? error).split('\n', 1)
      counts.failed.push(`${test.fullTitle()}: ${reason}`)
    })
    runner.on('pending', (test) => counts.skipped.push(test.fullTitle()))
    const path = options.reporterOptions?.counts ?? options.reporterOption?.counts
    runner.once('end', () => writeFileSync(path, JSON.stringify(counts)))
  }
}
