/** A statement whose `${}` are always parameters, never text. Resolves to the rows. */
export interface Sql {
  <Row = Record<string, unknown>>(text: TemplateStringsArray, ...values: readonly unknown[]): Promise<Row[]>
}

declare const inTransaction: unique symbol

/** The same inside a transaction. What must be atomic asks for a `Tx`, so that nobody can hand it a pool. */
export interface Tx extends Sql {
  readonly [inTransaction]: true
}

/** The text with $1, $2 … for a tagged template. */
export function statementText(text: TemplateStringsArray): string {
  let known = texts.get(text)
  if (known === undefined) {
    known = text.reduce((all, part, index) => `${all}$${index}${part}`)
    texts.set(text, known)
  }
  return known
}

// A template's strings are one object per place in the code, so each text is put together once.
const texts = new WeakMap<TemplateStringsArray, string>()
