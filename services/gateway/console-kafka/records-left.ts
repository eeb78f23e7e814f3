/** Without an offset a group begins at the beginning, and what retention has taken away nobody has to read. */
export function recordsLeft(
  end: bigint,
  { committed, first }: { readonly committed: bigint | undefined; readonly first: bigint | undefined },
): number {
  const next = committed ?? first ?? end
  const from = first !== undefined && first > next ? first : next
  return Math.max(0, Number(end - from))
}
