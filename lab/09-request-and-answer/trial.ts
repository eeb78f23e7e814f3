import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import { Latency, type Percentiles } from '@timesale/sale/latency'
import { until } from '@timesale/testkit/until'
import type { Bench, Text } from '../framework/experiment.ts'
import { shown } from '../framework/chart.ts'
import { countConfirmed, countReserved } from './books.ts'
import { costsOf, type Costs, type Watched } from './costs.ts'
import type { OrderService, Way } from './order-service.ts'
import type { StockProcess } from './stock-process.ts'

export const WAYS: Readonly<Record<Way, Text>> = {
  http: { en: 'a call over HTTP', ko: 'HTTP 호출' },
  events: { en: 'events', ko: '이벤트' },
}

const WARM_UP_ORDERS = 100
/** In each block of each way. */
export const ORDERS = 150
// So far apart that no pause between two sends or two fetches is ever waited for: a record that comes alone is sent at once.
const APART_MS = { min: 20, max: 40 }
/** Placed in each way each time that stock is away. */
export const ALONE = 20
const BACK_WITHIN_MS = 20_000

interface Sample extends Percentiles {
  readonly costs: Costs
}

export type Samples = Readonly<Record<Way, Sample[]>>

/** Orders of one way. */
export interface Decided {
  readonly placed: number
  readonly confirmed: number
  /** Units set aside for them. */
  readonly reserved: number
}

export interface Parties {
  readonly service: OrderService
  readonly stock: StockProcess
  readonly databases: { readonly orders: Database; readonly stock: Database }
  readonly watched: Watched
}

/** One order after the other, the ways in turns. */
export async function measure({ service, watched }: Parties, { say, repeats }: Bench): Promise<Samples> {
  const samples: Samples = { http: [], events: [] }
  say(`one order at a time, ${ORDERS} of each way in turns`)
  for (const way of ways()) await placeAll(service, way, `${way}-warm-up`, WARM_UP_ORDERS)
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const way of ways()) {
      let latency: Percentiles | undefined
      const costs = await costsOf(watched, async () => {
        latency = await placeAll(service, way, `${way}-${repeat}`, ORDERS)
      })
      if (latency !== undefined) samples[way].push({ ...latency, costs })
    }
    const told = ways().map((way) => `${WAYS[way].en} ${shown(samples[way][repeat]?.p50 ?? Number.NaN)}`)
    say(`ms until the outcome is known, p50: ${told.join('; ')}`)
  }
  return samples
}

/** What is in the books of all orders that were measured. */
export async function readDecided({ databases }: Parties, repeats: number): Promise<Readonly<Record<Way, Decided>>> {
  const placed = WARM_UP_ORDERS + repeats * ORDERS
  return await ofEach(async (way) => ({ placed, ...(await countDecided(databases, `${way}-`)) }))
}

/** Orders that are placed while stock is killed, again and again: what is decided of them meanwhile, and when it is back. */
export async function placeAlone(parties: Parties, { say, repeats }: Bench) {
  const alone = []
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const one = await placeOnceAlone(parties, `alone-${repeat}`)
    const told = ways().map((way) => `${WAYS[way].en} ${one.meanwhile[way].confirmed}`)
    say(
      `of ${ALONE} orders while stock was away, decided: ${told.join('; ')}; when it was back: ${WAYS.events.en} ${one.afterwards.confirmed}`,
    )
    alone.push(one)
  }
  return alone
}

async function placeOnceAlone({ service, stock, databases }: Parties, prefix: string) {
  await stock.kill()
  for (let order = 0; order < ALONE; order += 1)
    for (const way of ways()) await service.accept(way, `${prefix}-${way}-${order}`)
  const count = async (way: Way) => ({ placed: ALONE, ...(await countDecided(databases, `${prefix}-${way}-`)) })
  const meanwhile = await ofEach(count)
  await stock.start()
  const areAllDecided = async () => (await count('events')).confirmed === ALONE
  // What is not decided by then is told by the counts. Of calls there is nothing to wait for: nobody asks again.
  await until('the orders are decided', areAllDecided, BACK_WITHIN_MS).catch(() => undefined)
  return { meanwhile, afterwards: await count('events') }
}

export function ways(): Way[] {
  return Object.keys(WAYS) as Way[]
}

async function placeAll(
  service: OrderService,
  way: Way,
  prefix: string,
  count: number,
): Promise<Percentiles | undefined> {
  const latency = new Latency()
  for (let order = 0; order < count; order += 1) {
    await sleep(APART_MS.min + Math.random() * (APART_MS.max - APART_MS.min))
    const began = performance.now()
    await service.place(way, `${prefix}-${order}`)
    latency.record(performance.now() - began)
  }
  return latency.percentiles
}

async function countDecided({ orders, stock }: Parties['databases'], prefix: string): Promise<Omit<Decided, 'placed'>> {
  return { confirmed: await countConfirmed(orders.sql, prefix), reserved: await countReserved(stock.sql, prefix) }
}

async function ofEach<T>(look: (way: Way) => Promise<T>): Promise<Readonly<Record<Way, T>>> {
  return { http: await look('http'), events: await look('events') }
}
