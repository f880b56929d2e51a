/** A name as it stands in SQL: in double quotes, safe for any character. */
export type QuotedName = string & { readonly quotedName: true }

/** Quotes a name; every name goes through here, whatever characters it has. */
export function quoteName(name: string): QuotedName {
  return `"${name.replaceAll('"', '""')}"` as QuotedName
}

/** Quotes `schema.name`. */
export function qualifiedName(schema: string, name: string): QuotedName {
  return `${quoteName(schema)}.${quoteName(name)}` as QuotedName
}

/** Quotes a text for statements that take no parameters (COPY, CREATE FUNCTION); values travel as `$1` elsewhere. */
export function quoteLiteral(text: string): string {
  const doubled = text.replaceAll("'", "''")
  return doubled.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

/** A text between dollar quotes whose tag does not occur in it. */
export function dollarQuote(text: string): string {
  let tag = 'hs'
  while (text.includes(`$${tag}$`)) tag += '_'
  return `$${tag}$${text}$${tag}$`
}
