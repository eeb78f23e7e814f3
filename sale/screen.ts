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

  /** Says something for good. */
  line(text: string): void {
    this.#clear()
    this.#out.write(`${text}\n`)
  }

  /** Shows these lines in place of those of the last time. */
  draw(lines: readonly string[]): void {
    this.#clear()
    this.#out.write(lines.map((line) => `${cut(line, this.#out.columns)}\n`).join(''))
    this.#drawn = lines.length
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

/** A line that is wrapped would be two to go back over. */
export function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length < columns ? line : plain.slice(0, Math.max(0, columns - 1))
}
