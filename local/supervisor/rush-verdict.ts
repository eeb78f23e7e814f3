import type { RushView } from '@timesale/contracts/console-api'

/** Of the document that `npm run sale -- --json` ends with, what is shown. */
interface Verdict {
  readonly holds: boolean
  readonly verdict: readonly { readonly holds: boolean; readonly rule: string; readonly says: string }[]
}

/** What became of a rush, by what its process has said: the verdict, or the last lines where it came to none. */
export function verdictOf(answer: string, lines: readonly string[]): Pick<RushView, 'state' | 'says'> {
  const found = readVerdict(answer)
  if (found === undefined) return { state: 'failed', says: [...lines] }
  const says = found.verdict.map(({ holds, rule, says: what }) => `${holds ? '✔' : '✖'} ${rule}: ${what}`)
  // What does not hold is what a person looks for.
  return { state: found.holds ? 'held' : 'broken', says: says.toSorted((one, other) => rank(one) - rank(other)) }
}

function rank(line: string): number {
  return line.startsWith('✖') ? 0 : 1
}

function readVerdict(text: string): Verdict | undefined {
  try {
    const value = JSON.parse(text) as Partial<Verdict> | null
    return typeof value?.holds === 'boolean' && Array.isArray(value.verdict) ? (value as Verdict) : undefined
  } catch {
    return undefined
  }
}
