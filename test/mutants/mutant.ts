/** A protection that is taken away on purpose. Where two guards give it, both are broken. */
export interface Mutant {
  readonly name: string
  readonly hunter: Hunter
  readonly edits: readonly Edit[]
}

export interface Edit {
  /** Below plugin/. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** The test that must find a mutant. */
export interface Hunter {
  /** Of node, in the copy of the sources. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** In the first group, what it says of the mutant. */
  readonly said: RegExp
}

export type MutantEdit = readonly [file: string, from: string, to: string]

export function mutant(hunter: Hunter, name: string, ...edits: readonly MutantEdit[]): Mutant {
  return { name, hunter, edits: edits.map(([file, from, to]) => ({ file, from, to })) }
}

export const MOCHA = ['node_modules/mocha/bin/mocha.js', '--bail']
export const MOCHA_SAID = /^ +(?:\w*Error)(?: \[\w+\])?: (.*)$/mu
