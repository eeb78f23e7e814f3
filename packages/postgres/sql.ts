/** A statement whose `${}` are always parameters, never text. Resolves to the rows. */
export interface Sql {
  <Row = Record<string, unknown>>(text: TemplateStringsArray, ...values: readonly unknown[]): Promise<Row[]>
}

declare const inTransaction: unique symbol

/** The same inside a transaction. What must be atomic asks for a `Tx`, so that nobody can hand it a pool. */
export interface Tx extends Sql {
  readonly [inTransaction]: true
}

/** A tagged template as the server gets it: text with $1, $2 … and a name, under which it is prepared once a connection. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export function statementOf(text: TemplateStringsArray): Statement {
  let known = statements.get(text)
  if (known === undefined) {
    known = { name: `s${(count += 1)}`, text: text.reduce((all, part, index) => `${all}$${index}${part}`) }
    statements.set(text, known)
  }
  return known
}

// A template's strings are one object per place in the code, so each text is put together once.
const statements = new WeakMap<TemplateStringsArray, Statement>()
let count = 0

/**
 * Values as the driver takes them. Arrays of plain texts and numbers are put together here: the driver looks at every
 * element several times.
 */
export function toParameters(values: readonly unknown[]): unknown[] {
  return values.map((value) => (Array.isArray(value) ? (arrayLiteral(value) ?? value) : value))
}

// PostgreSQL, 8.15.2: elements in quotes; undefined where one of them would need more than that.
function arrayLiteral(elements: readonly unknown[]): string | undefined {
  let literal = ''
  for (const element of elements) {
    if (typeof element === 'string') {
      if (NEEDS_ESCAPES.test(element)) return undefined
      literal += `,"${element}"`
    } else if (typeof element === 'number') literal += `,${element}`
    else if (element === null || element === undefined) literal += ',NULL'
    else return undefined
  }
  return `{${literal.slice(1)}}`
}

/**
 * For texts that are or hold JSON: `string_to_array(${texts.join(TEXT_SEPARATOR)}, ${TEXT_SEPARATOR})`. JSON has no raw
 * control characters, so nothing has to be escaped, as every quote would be in an array.
 */
export const TEXT_SEPARATOR = '\u001e'

const NEEDS_ESCAPES = /["\\]/
