/** The example platform as the demo runs it: it also ends when the demo's end of the pipe closes. */
process.stdin.once('end', () => process.exit(0))
process.stdin.resume()
await import('../platform/main.ts')
