import { readdirSync } from 'node:fs'
import { Complaint } from './command-line.ts'
import type { DataFolder } from '../shop/data-folder.ts'
import { prefixed, readableLine } from '../supervisor/log-lines.ts'
import { lastLines, LogTail } from '../supervisor/log-tail.ts'

const POLL_MS = 200

/** Parts that have written something, also in an earlier start. */
export function loggedParts(folder: DataFolder): string[] {
  try {
    return readdirSync(folder.logs)
      .filter((file) => file.endsWith('.log'))
      .map((file) => file.slice(0, -'.log'.length))
      .toSorted()
  } catch {
    return []
  }
}

export function requireLogged(folder: DataFolder, names: readonly string[]): void {
  const known = loggedParts(folder)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined && known.length > 0) return
  if (known.length === 0) throw new Complaint(`There are no logs in ${folder.logs}.`)
  throw new Complaint(`There is no log of '${unknown}'. There are: ${known.join(', ')}.`)
}

/** The last lines of each part; with `follow` also what is added, until Ctrl-C. */
export async function showLogs(
  folder: DataFolder,
  names: readonly string[],
  options: { follow: boolean; lines: number },
): Promise<void> {
  const show =
    (name: string) =>
    (line: string): void => {
      console.log(names.length === 1 ? textOf(line) : prefixed(name, textOf(line)))
    }
  const tails = names.map((name) => new LogTail(folder.log(name), show(name)))
  for (const name of names) lastLines(folder.log(name), options.lines).forEach(show(name))
  if (!options.follow) return
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => tails.forEach((tail) => tail.poll()), POLL_MS)
    const end = (): void => {
      clearInterval(timer)
      resolve()
    }
    process.once('SIGINT', end)
    process.once('SIGTERM', end)
    // The reader has seen enough: `npm run logs -- -f | head`.
    process.stdout.once('error', end)
  })
}

function textOf(line: string): string {
  return readableLine(line, undefined).text
}
