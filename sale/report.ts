import { styleText } from 'node:util'
import { plainTable } from '@timesale/local/commands/plain-table'
import type { Finding } from '@timesale/verify/verdict'
import { percentiles, whole } from './live-view.ts'
import type { RushOptions, SaleResult } from './rush.ts'
import { widthOf } from './screen.ts'

/**
 * The verdict for people: a table of the rules, or a line each where there is no room for one, and the first offenders of
 * those that do not hold.
 */
export function verdictText(
  { findings, figures, sight, rushSeconds, restSeconds }: SaleResult,
  columns = Infinity,
): string {
  const rows = findings.map(({ holds, rule, says }) => [mark(holds), rule, says])
  const broken = findings.filter(({ holds }) => !holds)
  const last =
    broken.length === 0
      ? styleText('green', 'Everything holds.')
      : styleText('red', `${broken.length} of ${findings.length} rules do not hold.`)
  const table = plainTable(['', 'what must hold', 'what was found'], rows)
  const fits = table.split('\n').every((line) => widthOf(line) <= columns)
  return [
    fits ? table : rows.map(([sign, rule, says]) => `${sign} ${rule}: ${says}`).join('\n'),
    ...broken.map(offenders),
    `Answer ${percentiles(figures.answerMs)}; outcome ${percentiles(sight.outcomeMs)}; the rush took ${rushSeconds} s, the rest ${restSeconds.toFixed(1)} s.`,
    last,
  ].join('\n')
}

export function holds({ findings }: SaleResult): boolean {
  return findings.length > 0 && findings.every((finding) => finding.holds)
}

/** The same for programs. */
export function verdictJson(
  result: SaleResult,
  asked: {
    units: number
    buyers: number
    ordersPerSecond: number
    seed: number
    timeSale: RushOptions['timeSale']
    accounts: RushOptions['accounts']
    ownShop: boolean
  },
): string {
  const { productId, figures, sight, kills, rushSeconds, restSeconds, findings } = result
  const { answerMs, ...counts } = figures
  const { confirmed, rejected, cancelled, undecided, outcomeMs, unitsSold } = sight
  return JSON.stringify(
    {
      holds: holds(result),
      ...asked,
      productId,
      rushSeconds,
      restSeconds,
      kills,
      unitsSold,
      orders: { confirmed, rejected, cancelled, undecided },
      counts,
      answerMs,
      outcomeMs,
      verdict: findings,
    },
    null,
    2,
  )
}

function mark(good: boolean): string {
  return good ? styleText('green', '✔') : styleText('red', '✖')
}

function offenders({ rule, count, offenders: first }: Finding): string {
  const more = count > first.length ? [`  ... and ${whole(count - first.length)} more`] : []
  return [styleText('red', `✖ ${rule}: ${whole(count)}`), ...first.map((one) => `  ${one}`), ...more].join('\n')
}
