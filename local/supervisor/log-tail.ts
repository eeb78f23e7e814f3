import { closeSync, copyFileSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

const readBytesMax = 256 * 1024
// Two of these a part, which is the file and the one before it.
const fileBytesMax = 20 * 1024 * 1024

/** Follows a file to which somebody appends lines. Polled: watching files is not to be relied on everywhere. */
export class LogTail {
  readonly #path: string
  readonly #onLine: (line: string) => void
  #position: number
  #rest = ''
  #decoder = new StringDecoder('utf8')

  /** Begins at the end of what is there already. */
  constructor(path: string, onLine: (line: string) => void) {
    this.#path = path
    this.#onLine = onLine
    this.#position = sizeOf(path)
  }

  /** Hands over what was added; at most a quarter of a megabyte at once, so that a flood cannot stop everything else. */
  poll(): void {
    withFile(this.#path, (file) => {
      const { size } = fstatSync(file)
      if (size < this.#position) this.#begin()
      const length = Math.min(size - this.#position, readBytesMax)
      if (length <= 0) return
      const buffer = Buffer.alloc(length)
      const read = readSync(file, buffer, 0, length, this.#position)
      this.#position += read
      this.#take(this.#decoder.write(buffer.subarray(0, read)))
    })
  }

  /** Keeps the file small: its content moves to `<file>.1`. Writers append, so they go on at the beginning. */
  rotate(bytesMax = fileBytesMax): void {
    if (sizeOf(this.#path) < bytesMax) return
    copyFileSync(this.#path, `${this.#path}.1`)
    truncateSync(this.#path)
    this.#begin()
  }

  #begin(): void {
    this.#position = 0
    this.#rest = ''
    this.#decoder = new StringDecoder('utf8')
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line)
  }
}

/** The last lines of a file, read from its end; `from` leaves out what came before it. None where there is no file. */
export function lastLines(path: string, count: number, from = 0): string[] {
  const text = withFile(path, (file) => {
    const { size } = fstatSync(file)
    // Shorter than it was: the file was begun anew.
    const length = Math.min(size < from ? size : size - from, readBytesMax)
    const buffer = Buffer.alloc(length)
    const read = readSync(file, buffer, 0, length, size - length)
    return buffer.toString('utf8', 0, read)
  })
  const lines = (text ?? '').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.slice(Math.max(0, lines.length - count))
}

export function sizeOf(path: string): number {
  return withFile(path, (file) => fstatSync(file).size) ?? 0
}

function withFile<Result>(path: string, use: (file: number) => Result): Result | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined // Not there yet, or no more.
  }
  try {
    return use(file)
  } finally {
    closeSync(file)
  }
}
