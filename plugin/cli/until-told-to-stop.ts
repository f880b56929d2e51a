/** Resolves at SIGTERM, SIGINT or, when asked, at the end of standard input. */
export function untilToldToStop(withParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'))
    process.once('SIGINT', () => resolve('SIGINT'))
    if (!withParent) return
    process.stdin.once('end', () => resolve('the parent ended'))
    process.stdin.once('error', () => resolve('the parent ended'))
    process.stdin.resume()
  })
}
