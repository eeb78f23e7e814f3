const QUIET_MS = 5000

/**
 * Lets a line through and holds the same line back for five seconds: a consumer without its broker complains twice a
 * second, and five of them would drown everything else. The next one let through says how many there were.
 */
export function calm(now: () => number = () => performance.now()): (line: string) => string | undefined {
  const seen = new Map<string, { at: number; heldBack: number }>()
  return (line) => {
    const at = now()
    const key = withoutNumbers(line)
    const last = seen.get(key)
    if (last !== undefined && at - last.at < QUIET_MS) {
      last.heldBack += 1
      return undefined
    }
    if (seen.size > 1000) seen.clear()
    seen.set(key, { at, heldBack: 0 })
    return last === undefined || last.heldBack === 0 ? line : `${line} (and ${last.heldBack} more like it)`
  }
}

// Times, offsets and attempt numbers do not make it another message.
function withoutNumbers(line: string): string {
  return line.replaceAll(/\d+/g, '#')
}
