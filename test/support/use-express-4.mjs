// Loaded with `--import`: whoever asks for `express` gets Express 4, and standard error tells how often in the end.
import Module from 'node:module'

const resolve = Module._resolveFilename
let given = 0
Module._resolveFilename = function (name, ...more) {
  if (name !== 'express') return resolve.call(this, name, ...more)
  given++
  return resolve.call(this, 'express4', ...more)
}
process.on('exit', () => process.stderr.write(`Express 4 was given ${given} times\n`))
