/** The `errno` name of a system error, for a reason that is short and holds no stack. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown error'
}
