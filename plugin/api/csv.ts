/** Lines of RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csv(heading: readonly string[], lines: readonly (readonly string[])[]): string {
  return [heading, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
