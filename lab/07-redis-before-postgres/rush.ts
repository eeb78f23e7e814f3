import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './orders.ts'
import type { Buy } from './ways.ts'

export const BUYERS = 5_000
const PER_SECOND = 10_000
/** Every so many-th buyer asks again under the same id, as somebody does who has clicked twice. */
const TWICE_EVERY = 20
const TWICE_AFTER_MS = 50

/** With those who ask again, over all the time in which they come: answers come at this rate where none is late. */
export function offeredPerSecond(buyers: number): number {
  const all = arrivalsOf('order', buyers)
  return (1000 * all.length) / (all.at(-1)?.atMs ?? 0)
}

export interface Rushed {
  /** With those who asked again. */
  readonly requests: number
  /** From the first request to the last answer. */
  readonly seconds: number
  /** Orders whose buyers were told so. */
  readonly sold: ReadonlySet<string>
}

export interface RushOptions {
  /** Of the orders' ids. */
  readonly name?: string
  readonly buyers?: number
  /** Hears how many sales were told of so far. */
  readonly onSold?: (sales: number) => void
}

/** Open loop: buyers come at their rate, whatever becomes of those before. */
export async function rush(buy: Buy, { name = 'order', buyers = BUYERS, onSold }: RushOptions = {}): Promise<Rushed> {
  const schedule = arrivalsOf(name, buyers)
  const sold = new Set<string>()
  const began = performance.now()
  const ask = async ({ orderId }: Arrival): Promise<void> => {
    const outcome: Outcome = await buy(orderId)
    if (outcome !== 'sold' || sold.has(orderId)) return
    sold.add(orderId)
    onSold?.(sold.size)
  }
  const answers: Promise<void>[] = []
  while (answers.length < schedule.length) {
    const now = performance.now() - began
    for (const arrival of schedule.slice(answers.length)) {
      if (arrival.atMs > now) break
      const answer = ask(arrival)
      // All are awaited below; one that fails before that must not end the process.
      answer.catch(() => undefined)
      answers.push(answer)
    }
    await sleep(1)
  }
  await Promise.all(answers)
  const seconds = (performance.now() - began) / 1000
  return { requests: schedule.length, seconds, sold }
}

/** Orders that buyers were told are sold and rows do not say so, or the other way round. */
export function countWronglyTold(told: ReadonlySet<string>, written: ReadonlySet<string>): number {
  const missing = [...told].filter((orderId) => !written.has(orderId)).length
  return missing + written.size - (told.size - missing)
}

interface Arrival {
  readonly orderId: string
  readonly atMs: number
}

function arrivalsOf(name: string, buyers: number): Arrival[] {
  const all = Array.from({ length: buyers }, (_, index) => {
    const one = { orderId: `${name}-${index}`, atMs: (index * 1000) / PER_SECOND }
    return index % TWICE_EVERY === 0 ? [one, { ...one, atMs: one.atMs + TWICE_AFTER_MS }] : [one]
  })
  return all.flat().sort((one, other) => one.atMs - other.atMs)
}
