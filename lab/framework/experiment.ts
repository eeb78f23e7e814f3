/** The same sentence in both languages of the lab. */
export interface Text {
  readonly en: string
  readonly ko: string
}

/** One side of a figure: a value for each repeat. */
export interface Bar {
  readonly side: Text
  readonly values: readonly number[]
}

export interface Figure {
  readonly title: Text
  /** Of all bars: `orders/s`, `records`, `ms`. */
  readonly unit: string
  readonly bars: readonly Bar[]
}

/** What is said before the run, and whether this machine has shown it. */
export interface Claim {
  readonly text: Text
  readonly holds: boolean
  /** The numbers it was judged by. */
  readonly because: string
}

export interface Outcome {
  readonly claims: readonly Claim[]
  readonly figures: readonly Figure[]
  /**
   * What was done, counted at the end of it: rows in a database, records on a topic. An experiment that did no work has shown
   * nothing, so each must be above 0.
   */
  readonly work: Readonly<Record<string, number>>
}

/** What an experiment has to hand. */
export interface Bench {
  /** A line for whoever watches. */
  readonly say: (line: string) => void
  /** How often what varies is repeated. */
  readonly repeats: number
}

/** `experiment.ts` of each folder exports one under this name. */
export interface Experiment {
  readonly question: Text
  /** Starts what it needs and leaves nothing behind. Under two minutes. */
  readonly run: (bench: Bench) => Promise<Outcome>
}

/** Whether an outcome stands: each claim, and that work was done. Else why not. */
export function faultsOf({ claims, work }: Outcome): string[] {
  const idle = Object.entries(work).filter(([, count]) => !(count > 0))
  return [
    ...(claims.length === 0 ? ['nothing was claimed'] : []),
    ...(Object.keys(work).length === 0 ? ['no work was counted'] : []),
    ...idle.map(([what, count]) => `no work was done: ${what}: ${count}`),
    ...claims.filter(({ holds }) => !holds).map(({ text, because }) => `not reproduced here: ${text.en} (${because})`),
  ]
}
