import Table from 'cli-table3'
import { styleText } from 'node:util'

/** A table in borders; wide letters take the two columns that they take on a terminal. */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  right: readonly number[] = [],
): string {
  const table = new Table({
    head: head.map((title) => styleText('bold', title)),
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    // The library would colour a pipe as well.
    style: { head: [], border: [], compact: true },
  })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}
