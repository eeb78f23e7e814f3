import { build, type Histogram } from 'hdr-histogram-js'

/** Milliseconds, over all that was recorded; undefined where nothing was. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

// Values are kept in hundredths of a millisecond, to three digits, up to an hour.
const UNITS_PER_MS = 100
const HIGHEST = 3_600_000 * UNITS_PER_MS

/** How long things took, in bounded memory. */
export class Latency {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })

  record(ms: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST, Math.max(1, Math.round(ms * UNITS_PER_MS))))
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  get percentiles(): Percentiles | undefined {
    if (this.count === 0) return undefined
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / UNITS_PER_MS
    return { p50: at(50), p99: at(99), max: this.#histogram.maxValue / UNITS_PER_MS }
  }
}
