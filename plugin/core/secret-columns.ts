/** Names under which databases of telephony keep what nobody must read from a page: passwords, PINs, tokens, keys. */
const SECRET =
  /password|passwd|passphrase|secret|token|credential|api_?key|private_?key|a1_?hash|(^|_)(pass|pwd|pin|psk|md5)(_|$)/i

/** Whether the values of a column of this name are kept from pages, commands and the API; they are synchronised all the same. */
export function isSecretColumn(name: string): boolean {
  return SECRET.test(name)
}

/** Stands in the place of a value that is not shown. */
export const HIDDEN = '••••••'
/** The same, where the other server has another value. */
export const HIDDEN_OTHER = '•••••• ≠'
