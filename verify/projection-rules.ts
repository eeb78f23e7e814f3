import type { OrderAccount } from './accounts.ts'
import type { Look } from './books.ts'
import type { EventRecord } from './event-record.ts'
import { count, type Rulebook } from './finding.ts'

interface Sum {
  orders: number
  units: number
  revenueMinor: bigint
}

/** What notices and sales must be, made anew from the events on the topics, each taken once. */
export class Projections {
  readonly #orders: ReadonlyMap<string, OrderAccount>
  readonly #minutes = new Map<string, Sum>()
  readonly #products = new Map<string, Sum>()
  readonly #events = new Map<string, number>()

  constructor(orders: ReadonlyMap<string, OrderAccount>) {
    this.#orders = orders
  }

  take({ type, aggregateId, data, time }: EventRecord): void {
    const minute = `${new Date(time).toISOString().slice(0, 16)}:00.000Z`
    this.#events.set(`${minute} ${type}`, (this.#events.get(`${minute} ${type}`) ?? 0) + 1)
    if (NOTICED.has(type)) {
      const order = this.#orders.get(aggregateId)
      if (order !== undefined) order.endedAt = Date.parse(time)
    }
    if (type !== 'order.confirmed.v1') return
    const { quantity, unitPriceMinor, currency, productId } = data
    const sum = {
      orders: 1,
      units: Number(quantity),
      revenueMinor: BigInt(Number(quantity)) * toBigInt(unitPriceMinor),
    }
    add(this.#minutes, `${minute} ${String(currency)}`, sum)
    add(this.#products, `${String(productId)} ${String(currency)}`, sum)
  }

  async checkNotices(look: Look, rules: Rulebook): Promise<void> {
    const rule = rules.rule('notices')
    let notices = 0
    await look.each<[string, string, string, Date]>(
      'select order_id, kind, buyer_id, at from notices',
      ([orderId, kind, buyerId, at]) => {
        notices += 1
        const order = this.#orders.get(orderId)
        if (order === undefined) return rule.broken(`a notice ${kind} for ${orderId}, which is no order`)
        if (order.noticed) rule.broken(`order ${orderId} has two notices`)
        order.noticed = true
        if (order.status !== kind) rule.broken(`order ${orderId} is ${order.status}, its notice says ${kind}`)
        if (order.buyerId !== buyerId) rule.broken(`the notice of order ${orderId} is for ${buyerId}`)
        if (order.endedAt !== 0 && order.endedAt !== at.getTime()) {
          rule.broken(`the notice of order ${orderId} is of ${at.toISOString()}, not of its event's time`)
        }
      },
    )
    for (const [orderId, { status, noticed }] of this.#orders) {
      if (!noticed && status !== 'PLACED') rule.broken(`order ${orderId} is ${status} and has no notice`)
    }
    rule.says(`${count(notices)} notices`)
  }

  async checkSales(look: Look, rules: Rulebook): Promise<void> {
    const sales = rules.rule('sales')
    const minutes = await readSums(look, 'sales_by_minute', 'minute')
    const products = await readSums(look, 'sales_by_product', 'product_id')
    const units = [...this.#products.values()].reduce((sum, one) => sum + one.units, 0)
    const orders = [...this.#products.values()].reduce((sum, one) => sum + one.orders, 0)
    sales.says(`${count(orders)} orders, ${count(units)} units`)
    compare(this.#minutes, minutes, describe, (text) => sales.broken(text))
    compare(this.#products, products, describe, (text) => sales.broken(text))

    const events = rules.rule('events')
    const rows = await look.rows<[Date, string, string]>('select minute, type, events from events_by_minute')
    const counted = new Map(rows.map(([minute, type, number]) => [`${minute.toISOString()} ${type}`, Number(number)]))
    compare(this.#events, counted, String, (text) => events.broken(text))
    events.says(`${count([...this.#events.values()].reduce((sum, number) => sum + number, 0))} events`)
  }
}

const NOTICED = new Set(['order.confirmed.v1', 'order.rejected.v1', 'order.cancelled.v1'])

async function readSums(look: Look, table: string, by: string): Promise<Map<string, Sum>> {
  const rows = await look.rows<[Date | string, string, string, string, string]>(
    `select ${by}, currency, orders, units, revenue_minor from ${table}`,
  )
  return new Map(
    rows.map(([key, currency, orders, units, revenue]) => [
      `${key instanceof Date ? key.toISOString() : key} ${currency}`,
      { orders: Number(orders), units: Number(units), revenueMinor: toBigInt(revenue) },
    ]),
  )
}

function add(sums: Map<string, Sum>, key: string, more: Sum): void {
  const sum = sums.get(key) ?? { orders: 0, units: 0, revenueMinor: 0n }
  sums.set(key, {
    orders: sum.orders + more.orders,
    units: sum.units + more.units,
    revenueMinor: sum.revenueMinor + more.revenueMinor,
  })
}

function compare<Value>(
  wanted: ReadonlyMap<string, Value>,
  found: ReadonlyMap<string, Value>,
  show: (value: Value) => string,
  complain: (text: string) => void,
): void {
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const [should, is] = [wanted.get(key), found.get(key)].map((value) => (value === undefined ? 'none' : show(value)))
    if (should !== is) complain(`${key}: ${is}, by the events ${should}`)
  }
}

function describe({ orders, units, revenueMinor }: Sum): string {
  return `${orders} orders, ${units} units, ${revenueMinor}`
}

// What is no whole number is a fault of its own, which another rule tells.
function toBigInt(value: unknown): bigint {
  return /^-?\d+$/.test(String(value)) ? BigInt(String(value)) : -1n
}
