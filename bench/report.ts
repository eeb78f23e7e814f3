import type { Figure } from './figures/catalogue.ts'
import type { Samples } from './measure.ts'
import { median } from './statistics.ts'

/** CPU time an order, in microseconds, by what used it. */
export type CpuAnOrder = Readonly<Record<string, number>>

/** One figure, as `--json` writes it. */
export interface Result {
  readonly name: string
  /** The median of the rounds. */
  readonly value: number
  readonly unit: Figure['unit']
  /** The median of what it is held against; null for a figure that stands for itself. */
  readonly against: number | null
  /** `value` ÷ `against`. */
  readonly ratio: number | null
  readonly reach: number
  readonly better: number
  readonly reached: boolean
  /** The samples of both sides, in the order of the rounds. */
  readonly rounds: { readonly value: readonly number[]; readonly against: readonly number[] }
  readonly cpu?: CpuAnOrder
}

/** Undefined where a side has failed. */
export function resultOf(figure: Figure, samples: Samples, cpu?: CpuAnOrder): Result | undefined {
  const rounds = {
    value: samples.get(figure.side) ?? [],
    against: figure.against === undefined ? [] : (samples.get(figure.against) ?? []),
  }
  if (rounds.value.length === 0 || (figure.against !== undefined && rounds.against.length === 0)) return undefined
  const value = median(rounds.value)
  const against = figure.against === undefined ? null : median(rounds.against)
  const ratio = against === null ? null : value / against
  const { name, unit, reach, better } = figure
  const reached = ratio === null ? value <= reach : ratio >= reach
  return { name, value, unit, against, ratio, reach, better, reached, rounds, ...(cpu === undefined ? {} : { cpu }) }
}

export const RESULT_HEAD = ['figure', 'value', '', 'against', 'ratio', 'reach', 'better', '']

export function resultRow(result: Result): string[] {
  const { name, value, unit, against, ratio, reach, better, reached } = result
  const isBetter = ratio === null ? value <= better : ratio >= better
  return [
    name,
    shown(value),
    unit,
    against === null ? '-' : shown(against),
    ratio === null ? '-' : ratio.toFixed(2),
    String(reach),
    String(better),
    isBetter ? 'better' : reached ? 'reached' : 'missed',
  ]
}

export function failedRow(name: string): string[] {
  return [name, '-', '', '-', '-', '', '', 'FAILED']
}

/** Three digits and more where they say something. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
