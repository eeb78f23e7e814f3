import { stripVTControlCharacters } from 'node:util'

/** Lines that stay, and below them some that are drawn anew in place where there is a terminal. */
export class Screen {
  readonly #out: NodeJS.WriteStream
  #drawn = 0

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    // The reader of a pipe may be gone, while the sale still has to end in order.
    out.on('error', () => undefined)
  }

  get isTerminal(): boolean {
    return this.#out.isTTY
  }

  /** A terminal may not know how wide it is, and says 0. */
  get columns(): number {
    return this.#out.isTTY ? this.#out.columns || USUAL_COLUMNS : Infinity
  }

  /** Says something for good. */
  line(text: string): void {
    this.#clear()
    this.#out.write(`${text}\n`)
  }

  /** Shows these lines in place of those of the last time. */
  draw(lines: readonly string[]): void {
    this.#clear()
    const drawn = lines.flatMap((line) => folded(line, this.columns))
    this.#out.write(drawn.map((line) => `${line}\n`).join(''))
    this.#drawn = drawn.length
  }

  /** What was drawn last stays. */
  keep(): void {
    this.#drawn = 0
  }

  #clear(): void {
    if (this.#drawn > 0) this.#out.write(`\u001B[${this.#drawn}A\u001B[J`)
    this.#drawn = 0
  }
}

const USUAL_COLUMNS = 80
/** Below what stands behind the name of a row. */
const INDENT = ' '.repeat(12)

/** A row in as many lines as it takes, broken behind commas, or between words where that is not enough. One that the terminal wrapped would be two to go back over. */
export function folded(row: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  const phrases = row.split(/(?<=[,;] )/)
  const fits = (phrase: string): boolean => widthOf(INDENT + phrase.trimEnd()) < columns
  for (const piece of phrases.flatMap((phrase) => (fits(phrase) ? [phrase] : phrase.split(/(?<= )(?! )/)))) {
    if (line.trim() !== '' && widthOf(line + piece.trimEnd()) >= columns) {
      lines.push(line.trimEnd())
      line = INDENT
    }
    line += piece
  }
  return [...lines, line].map((one) => cut(one, columns))
}

/** Columns that a line takes. */
export function widthOf(line: string): number {
  return stripVTControlCharacters(line).length
}

function cut(line: string, columns: number): string {
  return widthOf(line) < columns ? line : stripVTControlCharacters(line).slice(0, Math.max(0, columns - 1))
}
