import { styleText } from 'node:util'
import type { Percentiles } from './latency.ts'
import type { Figures } from './buyers.ts'
import type { Sight } from './shop-watch.ts'

/** One moment of a sale. */
export interface Moment {
  readonly seconds: number
  readonly units: number
  readonly buyers: number
  readonly figures: Figures
  readonly sight: Sight
  /** Orders accepted a second, just now. */
  readonly acceptedPerSecond: number
  readonly killed: readonly string[]
}

const BAR_WIDTH = 30

/** A few lines that say how the sale goes; all of the same width in each moment, so that they can be redrawn in place. */
export function wholeView(moment: Moment): string[] {
  const { seconds, units, buyers, figures, sight, acceptedPerSecond } = moment
  return [
    row('time', `${seconds.toFixed(1)} s`),
    row('arrived', `${bar(figures.arrived / buyers)} ${whole(figures.arrived)} of ${whole(buyers)} buyers`),
    row(
      'sold',
      `${bar((sight.unitsSold ?? 0) / units)} ${sight.unitsSold === undefined ? '?' : whole(sight.unitsSold)} of ${whole(units)} units`,
    ),
    row('accepted', `${whole(figures.accepted)} orders, ${whole(acceptedPerSecond)}/s`),
    row(
      '',
      `${whole(sight.confirmed)} confirmed, ${whole(sight.rejected)} rejected, ${whole(sight.cancelled)} cancelled, ${whole(sight.undecided)} undecided`,
    ),
    row(
      'turned away',
      `${whole(figures.turnedAway - figures.overLimit)} sold out at the door, ${whole(figures.overLimit)} over the limit of a buyer, ${whole(figures.tooEarly)} too early`,
    ),
    row(
      'trouble',
      `${alarming(figures.unavailable, '503')}, ${alarming(figures.limited, '429')}, ${alarming(figures.noAnswer, 'without an answer')}, ${whole(figures.waiting)} buyers wait`,
    ),
    row('to answer', percentiles(figures.answerMs)),
    row('to outcome', percentiles(sight.outcomeMs)),
    row('lag', lags(sight.lags)),
    row('parts', parts(sight.parts, moment.killed)),
  ]
}

/** The same in one line, for what is no terminal. */
export function shortView({ seconds, units, buyers, figures, sight, acceptedPerSecond, killed }: Moment): string {
  return [
    `${seconds.toFixed(0).padStart(3)} s`,
    `arrived ${whole(figures.arrived)}/${whole(buyers)}`,
    `accepted ${whole(figures.accepted)} (${whole(acceptedPerSecond)}/s)`,
    `confirmed ${whole(sight.confirmed)}`,
    `rejected ${whole(sight.rejected)}`,
    `409 ${whole(figures.turnedAway)}`,
    `503 ${whole(figures.unavailable)}`,
    `429 ${whole(figures.limited)}`,
    `no answer ${whole(figures.noAnswer)}`,
    `sold ${sight.unitsSold === undefined ? '?' : whole(sight.unitsSold)}/${whole(units)}`,
    `answer ${percentiles(figures.answerMs)}`,
    `outcome ${percentiles(sight.outcomeMs)}`,
    `lag ${lags(sight.lags)}`,
    parts(sight.parts, killed),
  ].join('  ')
}

export function percentiles(values: Percentiles | undefined): string {
  return values === undefined ? '-' : `p50 ${milliseconds(values.p50)}, p99 ${milliseconds(values.p99)}`
}

export function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

function row(name: string, text: string): string {
  return `${styleText('bold', name.padEnd(11))} ${text}`
}

function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 100 ? `${whole(ms)} ms` : `${ms.toFixed(1)} ms`
}

function bar(share: number): string {
  const full = Math.round(BAR_WIDTH * Math.min(1, Math.max(0, share)))
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`
}

function alarming(number: number, what: string): string {
  const text = `${whole(number)} ${what}`
  return number === 0 ? text : styleText('yellow', text)
}

function lags(records: Sight['lags']): string {
  if (records === undefined) return styleText('yellow', 'Kafka does not answer')
  return Object.entries(records)
    .map(([group, lag]) => `${group} ${lag === 0 ? '0' : styleText('yellow', whole(lag))}`)
    .join(', ')
}

function parts(all: Sight['parts'], killed: readonly string[]): string {
  if (all === undefined) return styleText('yellow', 'the supervisor does not answer')
  const down = all.filter(({ state }) => state !== 'running' && state !== 'external')
  const past = killed.length === 0 ? '' : `, killed: ${killed.join(', ')}`
  if (down.length === 0) return `${styleText('green', `all ${all.length} parts are up`)}${past}`
  const list = down.map(({ name, state }) => `${name} ${state}`).join(', ')
  return `${all.length - down.length} of ${all.length} parts are up, ${styleText('red', list)}${past}`
}
