/** The same sentence in both languages of the lab. */
export interface Text {
  readonly en: string
  readonly ko: string
}

export type Language = keyof Text

/** What is written the same in both languages: `ms`, `MiB`. */
export function sameText(text: string): Text {
  return { en: text, ko: text }
}

/** What is put together in the same way in both languages, of names that differ. */
export function inBoth(write: (language: Language) => string): Text {
  return { en: write('en'), ko: write('ko') }
}

/** One side of a figure: a value for each repeat. */
export interface Bar {
  readonly side: Text
  readonly values: readonly number[]
}

export interface Figure {
  readonly title: Text
  /** Of all bars: orders/s, records, ms. */
  readonly unit: Text
  readonly bars: readonly Bar[]
}

/** What is said before the run, and whether this machine has shown it. */
export interface Claim {
  readonly text: Text
  readonly holds: boolean
  /** The numbers it was judged by. */
  readonly because: Text
}

/** What could not be looked at was not reproduced: left out, it would pass for it. `why` is undefined where it could. */
export function unlessUnseen(why: Text | undefined, claim: Claim): Claim {
  if (why === undefined) return claim
  const because = { en: `could not be looked at here: ${why.en}`, ko: `여기서는 볼 수 없었다: ${why.ko}` }
  return { text: claim.text, holds: false, because }
}

/** What was done so many times. */
export interface Work {
  readonly what: Text
  readonly count: number
}

export interface Outcome {
  readonly claims: readonly Claim[]
  readonly figures: readonly Figure[]
  /**
   * What was done, counted at the end of it: rows in a database, records on a topic. An experiment that did no work has shown
   * nothing, so each must be above 0.
   */
  readonly work: readonly Work[]
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

/** What is promised of each experiment. */
const SECONDS_MAX = 120

/** Whether an outcome stands: each claim, that work was done, and in the time that is promised. Else why not. */
export function faultsOf({ claims, work }: Outcome, seconds: number): Text[] {
  const idle = work.filter(({ count }) => !(count > 0))
  const took = Math.round(seconds)
  return [
    ...(claims.length === 0 ? [{ en: 'nothing was claimed', ko: '주장한 것이 없다' }] : []),
    ...(work.length === 0 ? [{ en: 'no work was counted', ko: '한 일을 세지 않았다' }] : []),
    ...idle.map(({ what, count }) => ({
      en: `no work was done: ${what.en}: ${count}`,
      ko: `한 일이 없다: ${what.ko}: ${count}`,
    })),
    ...claims
      .filter(({ holds }) => !holds)
      .map(({ text, because }) => ({
        en: `not reproduced here: ${text.en} (${because.en})`,
        ko: `여기서는 재현되지 않았다: ${text.ko} (${because.ko})`,
      })),
    ...(seconds > SECONDS_MAX
      ? [
          {
            en: `it took ${took} s, and may take ${SECONDS_MAX}`,
            ko: `${took}초가 걸렸다. ${SECONDS_MAX}초를 넘으면 안 된다`,
          },
        ]
      : []),
  ]
}
