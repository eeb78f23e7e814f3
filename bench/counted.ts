/** A run that did not do its work: what was counted afterwards is not what was asked for. */
export class WorkMissing extends Error {
  override readonly name = 'WorkMissing'
}

/** What was measured, where there is something: a sample that has failed, or has seen nothing, is no figure. */
export function someOf(where: string, what: string, measured: number): number {
  if (Number.isFinite(measured) && measured > 0) return measured
  throw new WorkMissing(`${where}: there is no ${what}`)
}

/** Throws WorkMissing that names every count that is not what it has to be. */
export function expectCounts(
  where: string,
  counts: Readonly<Record<string, readonly [counted: number, expected: number]>>,
): void {
  const wrong = Object.entries(counts).filter(([, [counted, expected]]) => counted !== expected)
  if (wrong.length === 0) return
  const told = wrong.map(([what, [counted, expected]]) => `${what}: ${counted} instead of ${expected}`)
  throw new WorkMissing(`${where} did not do its work: ${told.join('; ')}`)
}
