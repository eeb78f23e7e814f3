import { told, type OrderAccount } from './accounts.ts'
import type { Look } from './books.ts'
import { count, type Rule, type Rulebook } from './finding.ts'

/** What a buyer asked for. */
export interface Wish {
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
}

/** Orders by what their buyers were told. */
export interface Told {
  /** Answered 202 at least once. */
  readonly accepted: readonly string[]
  /** Each answer was a refusal that promises no effect, and none was missing. */
  readonly turnedAway: readonly string[]
  /** Their buyers were told that the order is cancelled. */
  readonly cancelled?: readonly string[]
  /** What the buyer of an order asked for, where whoever asks knows. */
  wishOf?(orderId: string): Wish | undefined
}

type OrderRow = [
  id: string,
  buyer: string,
  product: string,
  quantity: number,
  price: string,
  currency: string,
  status: string,
  version: number,
  sale: string | null,
  /** Of orders of a time sale. */
  placedAt: Date | null,
]

/** All orders, and what the order database says of them by itself. */
export async function readOrders(look: Look, rules: Rulebook): Promise<Map<string, OrderAccount>> {
  const orders = new Map<string, OrderAccount>()
  const one = sharedTexts()
  await look.each<OrderRow>(
    `select order_id, buyer_id, product_id, quantity, unit_price_minor, currency, status, version,
      sale_id, case when sale_id is not null then placed_at end
    from orders`,
    ([orderId, buyerId, productId, quantity, price, currency, status, version, saleId, placedAt]) => {
      orders.set(orderId, {
        ...told(version),
        buyerId,
        productId: one(productId),
        quantity,
        unitPriceMinor: Number(price),
        currency: one(currency),
        status: one(status),
        sale: saleId === null ? undefined : { saleId: one(saleId), placedAt: placedAt?.getTime() ?? Number.NaN },
        endedAt: 0,
        noticed: false,
      })
    },
  )
  await checkHistories(look, rules.rule('decided'), orders)
  return orders
}

export function checkTold(
  { accepted, turnedAway, cancelled = [], wishOf }: Told,
  orders: ReadonlyMap<string, OrderAccount>,
  rules: Rulebook,
): void {
  const lost = rules.rule('lost')
  const found = accepted.filter((orderId) => orders.has(orderId))
  lost.says(`${count(accepted.length)} accepted, ${count(found.length)} found`)
  for (const orderId of accepted)
    if (!orders.has(orderId)) lost.broken(`order ${orderId} was accepted and is not there`)

  const refused = rules.rule('refused')
  refused.says(`${count(turnedAway.length)} turned away`)
  for (const orderId of turnedAway) {
    if (orders.has(orderId)) refused.broken(`order ${orderId} was refused and is there`)
  }

  const asked = rules.rule('asked')
  asked.says(`${count(wishOf === undefined ? 0 : found.length)} compared`)
  for (const orderId of found) checkWish(orderId, wishOf?.(orderId), orders.get(orderId), asked)

  const given = rules.rule('cancelled')
  given.says(`${count(cancelled.length)} cancelled`)
  for (const orderId of cancelled) {
    const status = orders.get(orderId)?.status
    if (status !== 'CANCELLED') given.broken(`order ${orderId} is ${status ?? 'not there'}`)
  }
}

function checkWish(orderId: string, wish: Wish | undefined, order: OrderAccount | undefined, rule: Rule): void {
  if (wish === undefined || order === undefined) return
  const { buyerId, productId, quantity } = order
  if (wish.buyerId === buyerId && wish.productId === productId && wish.quantity === quantity) return
  rule.broken(`order ${orderId} is ${quantity} of ${productId} for ${buyerId}, not ${describe(wish)}`)
}

function describe({ quantity, productId, buyerId }: Wish): string {
  return `${quantity} of ${productId} for ${buyerId}`
}

// One end, which is the last entry and what the order says; versions 1 to n; it begins PLACED.
async function checkHistories(look: Look, rule: Rule, orders: ReadonlyMap<string, OrderAccount>): Promise<void> {
  const wrong = await look.rows<[string, string | null, number | null, string | null]>(`
    select coalesce(orders.order_id, history.order_id), orders.status, orders.version, history.told
    from orders
    full join (
      select order_id, count(*) as entries, min(version) as first, max(version) as last,
        count(*) filter (where status <> 'PLACED') as ends,
        min(status) filter (where version = 1) as first_status,
        (array_agg(status order by version desc))[1] as last_status,
        string_agg(version || ' ' || status, ', ' order by version) as told
      from order_history group by order_id) as history using (order_id)
    where orders.order_id is null or history.order_id is null
      or orders.status = 'PLACED' or ends <> 1 or entries <> last or first <> 1 or last <> orders.version
      or first_status is distinct from 'PLACED' or last_status <> orders.status`)
  for (const [orderId, status, version, history] of wrong) {
    const is = status === null ? 'not there' : `${status} at version ${version}`
    rule.broken(`order ${orderId} is ${is}, its history says ${history ?? 'nothing'}`)
  }
  const statuses = new Map<string, number>()
  for (const { status } of orders.values()) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  const list = [...statuses].map(([status, number]) => `${count(number)} ${status.toLowerCase()}`)
  rule.says(list.length === 0 ? 'no orders' : list.join(', '))
}

// The same text comes a million times, each time as one of its own.
function sharedTexts(): (text: string) => string {
  const texts = new Map<string, string>()
  return (text) => {
    const known = texts.get(text)
    if (known !== undefined) return known
    texts.set(text, text)
    return text
  }
}
