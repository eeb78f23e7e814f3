/** One thing that is measured: a figure's value, or what it is held against. */
export interface Side {
  readonly name: string
  /** One sample, which has brought up what it needs, counted what was done, and tidied up. */
  readonly run: (round: number) => Promise<number>
}

/** The samples of each side, by its name. */
export type Samples = ReadonlyMap<string, readonly number[]>

export interface Progress {
  /** What happens now. */
  say(text: string): void
  /** One sample is there. */
  sampled(side: string, round: number, value: number, soFar: readonly number[]): void
  /** A sample did not do its work, or could not be taken. */
  failed(what: string, error: unknown): void
}

/**
 * Interleaved: A B C, A B C …, so that what changes on the machine meanwhile changes for all of them. A side that fails has
 * no samples at all, and the others go on.
 */
export async function measureRounds(sides: readonly Side[], rounds: number, progress: Progress): Promise<Samples> {
  const samples = new Map<string, number[]>(sides.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, run } of sides) {
      const values = samples.get(name)
      if (values === undefined) continue
      try {
        const value = await run(round)
        values.push(value)
        progress.sampled(name, round, value, values)
      } catch (error) {
        samples.delete(name)
        progress.failed(name, error)
      }
    }
  }
  return samples
}
