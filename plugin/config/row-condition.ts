/** What a condition on a row may be made of; everything else is refused before PostgreSQL ever sees it. */
export type RowToken =
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'keyword' | 'literal' | 'sign'; readonly text: string }

const REMEDY =
  "Write comparisons of the row's own columns, such as `owner = 'local'`, joined by and, or, not."

/** Words of SQL that a condition may use. Any other word is a column; whoever has a column of such a name quotes it. */
const KEYWORDS = new Set(
  'and or not in is null true false unknown between like ilike distinct from'.split(' '),
)

/** Words that begin a query, call something without parentheses, or make a value that is not the row's. */
const REFUSED_WORDS = new Set(
  (
    'select with values table exists any some all array row case when then else end cast collate operator ' +
    'current_date current_time current_timestamp current_user current_role current_catalog current_schema ' +
    'session_user system_user user localtime localtimestamp at over filter within grouping default'
  ).split(' '),
)

/** Comparisons and looks into JSON: they neither fail on a value nor depend on settings or on the time of day. */
const SIGNS = ['->>', '->', '<>', '!=', '<=', '>=', '@>', '<@', '=', '<', '>', '(', ')', ',']

const PATTERN = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<text>'(?:[^'\\]|'')*')`,
    String.raw`(?<quoted>"(?:[^"]|"")+")`,
    String.raw`(?<number>-?\d+(?:\.\d+)?(?![\p{L}\p{N}_$.]))`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_]*)`,
    `(?<sign>${SIGNS.map((sign) => sign.replaceAll(/[()]/g, String.raw`\$&`)).join('|')})`,
  ].join('|'),
  'uy',
)

const LONGEST = 1000

/** Reads a condition; or says what is wrong with it, written `what is wrong | what to do`. */
export function readRowCondition(
  condition: string,
): { readonly tokens: readonly RowToken[]; readonly problem: null } | { readonly problem: string } {
  if (condition.length > LONGEST) return problem(`is longer than ${LONGEST} characters`)
  const tokens: RowToken[] = []
  PATTERN.lastIndex = 0
  while (PATTERN.lastIndex < condition.length) {
    const at = PATTERN.lastIndex
    const groups = PATTERN.exec(condition)?.groups
    if (groups === undefined)
      return problem(`has something in it that is not allowed at "${condition.slice(at, at + 20)}"`)
    const token = toToken(groups)
    if (typeof token === 'string') return problem(token)
    if (token !== null) tokens.push(token)
  }
  const wrong = structureProblem(tokens)
  return wrong === null ? { tokens, problem: null } : problem(wrong)
}

/** Names of the columns that a condition uses; none when it is not a condition. */
export function conditionColumns(condition: string): readonly string[] {
  const read = readRowCondition(condition)
  if (read.problem !== null) return []
  return [...new Set(read.tokens.flatMap((token) => (token.kind === 'column' ? [token.name] : [])))]
}

function problem(what: string): { readonly problem: string } {
  return { problem: `${what} | ${REMEDY}` }
}

/** Null for white space, a text for what is refused. */
function toToken(groups: Readonly<Record<string, string | undefined>>): RowToken | string | null {
  const { text, quoted, number, word, sign } = groups
  if (quoted !== undefined)
    return { kind: 'column', name: quoted.slice(1, -1).replaceAll('""', '"') }
  if (text !== undefined || number !== undefined)
    return { kind: 'literal', text: text ?? number ?? '' }
  if (sign !== undefined) return { kind: 'sign', text: sign }
  if (word === undefined) return null
  const lower = word.toLowerCase()
  if (REFUSED_WORDS.has(lower)) return `uses "${word}", which is not a column of the row`
  return KEYWORDS.has(lower) ? { kind: 'keyword', text: lower } : { kind: 'column', name: lower }
}

/** A parenthesis too many would end the condition where it is put in parentheses; one after a name calls a function. */
function structureProblem(tokens: readonly RowToken[]): string | null {
  let depth = 0
  for (const [index, token] of tokens.entries()) {
    const former = tokens[index - 1]
    if (former?.kind === 'literal' && (token.kind === 'literal' || token.kind === 'column'))
      return 'has two values without an operator in between'
    if (former?.kind === 'column' && token.kind === 'literal')
      return `has a value right after "${former.name}"`
    if (former?.kind === 'column' && token.kind === 'column')
      return `has a name right after "${former.name}"`
    if (token.kind !== 'sign') continue
    if (token.text === '(' && former?.kind === 'column')
      return `calls the function "${former.name}"`
    if (token.text === '(') depth++
    if (token.text === ')') depth--
    if (depth < 0) return 'closes a parenthesis that it has not opened'
  }
  if (depth > 0) return 'leaves a parenthesis open'
  return tokens.some((token) => token.kind === 'column') ? null : 'names no column of the row'
}
