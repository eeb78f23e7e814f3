import type { Accounts, OrderAccount } from './accounts.ts'
import type { Look } from './books.ts'
import type { EventRecord } from './event-record.ts'
import { count, type Rulebook } from './finding.ts'
import { OVERLAP_MS } from './refusal-rules.ts'
import type { Arrival } from './stock-rules.ts'

/** A time sale as one version of its product told it. */
interface ToldSale {
  readonly priceMinor: number
  readonly units: number
  /** Infinite where there is none. */
  readonly limitPerBuyer: number
  /** Milliseconds since the epoch; the end is outside. */
  readonly startsAt: number
  readonly endsAt: number
}

/** On what terms an order was placed, by its own event. */
interface Terms {
  readonly saleId: string
  readonly units: number
  readonly limitPerBuyer: number
}

interface Refused {
  readonly orderId: string
  readonly reason: string
  readonly at: number
}

/**
 * What time sales promise: so many units, so many a buyer, at that price, in that window. Sales come from product-topic,
 * terms from order-topic, who got what from the reservations.
 */
export class SaleRules {
  readonly #accounts: Accounts
  readonly #arrivals: ReadonlyMap<string, readonly Arrival[]>
  readonly #rules: Rulebook
  readonly #sales = new Map<string, ToldSale[]>()
  readonly #placed = new Map<string, Terms>()
  readonly #refused: Refused[] = []

  constructor(accounts: Accounts, arrivals: readonly Arrival[], rules: Rulebook) {
    this.#accounts = accounts
    this.#arrivals = Map.groupBy(arrivals, ({ productId, saleId }) => `${productId} ${saleId ?? ''}`)
    this.#rules = rules
  }

  /** Each event once, in any order of the topics. */
  take({ type, data, aggregateId, time }: EventRecord): void {
    const sale = data['sale'] as Readonly<Record<string, unknown>> | undefined
    if (type === 'product.changed.v1' && sale !== undefined) {
      const key = `${aggregateId} ${String(sale['saleId'])}`
      this.#sales.set(key, [...(this.#sales.get(key) ?? []), toSale(sale)])
    }
    if (type === 'order.placed.v1' && sale !== undefined) {
      this.#placed.set(aggregateId, { saleId: String(sale['saleId']), ...toLimits(sale) })
    }
    const reason = String(data['reason'])
    if (type === 'stock.rejected.v1' && (reason === 'buyer-limit' || reason === 'sale-sold-out')) {
      this.#refused.push({ orderId: aggregateId, reason, at: Date.parse(time) })
    }
  }

  /** After the last record. */
  end(): void {
    this.#checkOrders()
    const taken = this.#checkLimits()
    this.#checkRefusals(taken)
  }

  #checkOrders(): void {
    const window = this.#rules.rule('window')
    const terms = this.#rules.rule('terms')
    let orders = 0
    for (const [orderId, order] of this.#accounts.orders) {
      if (order.sale === undefined) continue
      orders += 1
      const { saleId, placedAt } = order.sale
      const told = this.#sales.get(`${order.productId} ${saleId}`)
      if (told === undefined) {
        terms.broken(`order ${orderId}: ${order.productId} never had a sale ${saleId}`)
        continue
      }
      if (!told.some(({ startsAt, endsAt }) => placedAt >= startsAt && placedAt < endsAt)) {
        window.broken(`order ${orderId} was placed at ${new Date(placedAt).toISOString()}, outside of sale ${saleId}`)
      }
      const complaint = complaintOfTerms(order, this.#placed.get(orderId), told)
      if (complaint !== undefined) terms.broken(`order ${orderId} of sale ${saleId}: ${complaint}`)
    }
    const size = `${count(orders)} orders of ${count(this.#sales.size)} time sales`
    window.says(size)
    terms.says(size)
  }

  // Units that reservations hold or have sold, against the most that an order of that sale was told.
  #checkLimits(): Takings {
    const taken = new Takings()
    for (const [orderId, { productId, quantity, state, sale }] of this.#accounts.reservations) {
      if (sale === undefined) continue
      const { units, limitPerBuyer } = this.#placed.get(orderId) ?? { units: 0, limitPerBuyer: 0 }
      const isTaken = state === 'HELD' || state === 'COMMITTED'
      taken.add(`${productId} ${sale.saleId}`, sale.buyerId, isTaken ? quantity : 0, { units, limitPerBuyer })
    }
    const oversold = this.#rules.rule('saleUnits')
    const buyers = this.#rules.rule('buyerLimit')
    let most = 0
    for (const { name, units, limit } of taken.sales()) {
      if (units > limit) oversold.broken(`${name}: ${units} units are taken, and there were ${limit}`)
    }
    for (const { name, units, limit } of taken.buyers()) {
      most = Math.max(most, units)
      if (units > limit) buyers.broken(`${name} has ${units} units, and may have ${limit}`)
    }
    const sales = [...taken.sales()]
    const all = sales.reduce((sum, { units }) => sum + units, 0)
    oversold.says(`${count(all)} units in ${count(sales.length)} time sales`)
    const served = [...taken.buyers()].filter(({ units }) => units > 0).length
    buyers.says(`${count(served)} buyers got ${count(all)} units, none more than ${count(most)}`)
    return taken
  }

  // As RefusalRules has it for stock: what is taken in the end, and all that was given back since, bounds what was
  // taken at the moment of the refusal.
  #checkRefusals(taken: Takings): void {
    const rule = this.#rules.rule('enoughInSale')
    rule.says(`${count(this.#refused.length)} refused`)
    for (const { orderId, reason, at } of this.#refused) {
      const reservation = this.#accounts.reservations.get(orderId)
      const terms = this.#placed.get(orderId)
      if (reservation?.sale === undefined || terms === undefined) {
        rule.broken(`order ${orderId} was refused for ${reason} and is of no time sale`)
        continue
      }
      const { productId, quantity, sale } = reservation
      const key = `${productId} ${sale.saleId}`
      const own = reason === 'buyer-limit'
      const back = (this.#arrivals.get(key) ?? []).filter(
        (one) => one.at >= at - OVERLAP_MS && (!own || one.buyerId === sale.buyerId),
      )
      const limit = own ? terms.limitPerBuyer : terms.units
      const atMost = taken.units(key, own ? sale.buyerId : undefined) + back.reduce((sum, one) => sum + one.quantity, 0)
      if (atMost + quantity <= limit) {
        rule.broken(`order ${orderId} wanted ${quantity} of ${limit}, of which ${atMost} were taken (${reason})`)
      }
    }
  }
}

/** Whether stock's own count of what is taken is that of its reservations. */
export async function checkTakings(look: Look, rules: Rulebook): Promise<void> {
  const rule = rules.rule('takings')
  const [size] = await look.rows<[string]>('select count(*) from sale_takings')
  rule.says(`${count(Number(size?.[0]))} takings`)
  const wrong = await look.rows<[string, string, string, number | null, string | null]>(`
    select product_id, sale_id, buyer_id, takings.units, counted.units
    from sale_takings as takings
    full join (
      select product_id, sale_id, coalesce(buyer_id, '') as buyer_id,
        sum(quantity) filter (where state in ('HELD', 'COMMITTED')) as units
      from reservations where sale_id is not null
      group by grouping sets ((product_id, sale_id, buyer_id), (product_id, sale_id))) as counted
    using (product_id, sale_id, buyer_id)
    where coalesce(takings.units, 0) <> coalesce(counted.units, 0)`)
  for (const [productId, saleId, buyerId, units, counted] of wrong) {
    const whose = buyerId === '' ? 'all buyers' : buyerId
    rule.broken(`${whose} in sale ${saleId} of ${productId}: ${units ?? 0} taken, by reservations ${counted ?? 0}`)
  }
  const [check] = await look.rows<[string]>(`
    select count(*) from pg_constraint
    where conrelid = 'sale_takings'::regclass and conname = 'within_limit' and contype = 'c' and convalidated`)
  if (check?.[0] !== '1') rule.broken('the CHECK of the limit is gone')
}

interface Sum {
  units: number
  limit: number
}

// By sale, and by sale and buyer: what is taken, and the most that was told may be.
class Takings {
  readonly #sales = new Map<string, Sum>()
  readonly #buyers = new Map<string, Sum>()

  add(sale: string, buyerId: string, units: number, told: { units: number; limitPerBuyer: number }): void {
    raise(this.#sales, sale, units, told.units)
    raise(this.#buyers, `${sale} ${buyerId}`, units, told.limitPerBuyer)
  }

  /** By one buyer, or by all. */
  units(sale: string, buyerId: string | undefined): number {
    const sum = buyerId === undefined ? this.#sales.get(sale) : this.#buyers.get(`${sale} ${buyerId}`)
    return sum?.units ?? 0
  }

  *sales(): Iterable<Sum & { readonly name: string }> {
    for (const [key, sum] of this.#sales) yield { name: nameOfSale(key), ...sum }
  }

  *buyers(): Iterable<Sum & { readonly name: string }> {
    for (const [key, sum] of this.#buyers) yield { name: `${key.split(' ')[2] ?? ''} in ${nameOfSale(key)}`, ...sum }
  }
}

function raise(sums: Map<string, Sum>, key: string, units: number, limit: number): void {
  const sum = sums.get(key)
  if (sum === undefined) {
    sums.set(key, { units, limit })
    return
  }
  sum.units += units
  sum.limit = Math.max(sum.limit, limit)
}

function nameOfSale(key: string): string {
  const [productId = '', saleId = ''] = key.split(' ')
  return `sale ${saleId} of ${productId}`
}

function complaintOfTerms(
  { unitPriceMinor }: OrderAccount,
  terms: Terms | undefined,
  told: readonly ToldSale[],
): string | undefined {
  if (!told.some(({ priceMinor }) => priceMinor === unitPriceMinor)) return `its price ${unitPriceMinor} is none of it`
  if (terms === undefined) return 'its event says nothing of terms'
  const { units, limitPerBuyer } = terms
  if (told.some((sale) => sale.units === units && sale.limitPerBuyer === limitPerBuyer)) return undefined
  return `${units} units, ${limitPerBuyer} a buyer, are no terms of it`
}

function toSale(sale: Readonly<Record<string, unknown>>): ToldSale {
  return {
    priceMinor: Number(sale['priceMinor']),
    ...toLimits(sale),
    startsAt: Date.parse(String(sale['startsAt'])),
    endsAt: Date.parse(String(sale['endsAt'])),
  }
}

function toLimits(sale: Readonly<Record<string, unknown>>): { units: number; limitPerBuyer: number } {
  return { units: Number(sale['units']), limitPerBuyer: Number(sale['limitPerBuyer'] ?? Infinity) }
}
