import type { LiveView, OrderTotals, StockTotals } from '@timesale/contracts/console-api'

/** What must be the same on both sides, or the shop has lost or invented something. */
export interface Sum {
  readonly name: 'orders' | 'stock'
  readonly whole: Term
  readonly parts: readonly Term[]
  /** The parts together, less the whole; 0 where the sum holds. */
  readonly difference: number
}

interface Term {
  readonly name: keyof OrderTotals | Exclude<keyof StockTotals, 'products'>
  readonly value: number
}

export function orderSum({ accepted, confirmed, rejected, cancelled, open }: OrderTotals): Sum {
  return sum('orders', { name: 'accepted', value: accepted }, [
    { name: 'confirmed', value: confirmed },
    { name: 'rejected', value: rejected },
    { name: 'cancelled', value: cancelled },
    { name: 'open', value: open },
  ])
}

export function stockSum({ initial, available, reserved, sold }: StockTotals): Sum {
  return sum('stock', { name: 'initial', value: initial }, [
    { name: 'available', value: available },
    { name: 'reserved', value: reserved },
    { name: 'sold', value: sold },
  ])
}

/** The two sums, as far as they could be read, each with the time when it was. */
export function sumsOf(
  view: Pick<LiveView, 'orders' | 'stock'> | undefined,
): readonly { readonly name: Sum['name']; readonly asOf: string | undefined; readonly sum: Sum | undefined }[] {
  const { orders, stock } = view ?? { orders: null, stock: null }
  return [
    { name: 'orders', asOf: orders?.asOf, sum: orders === null ? undefined : orderSum(orders.totals) },
    { name: 'stock', asOf: stock?.asOf, sum: stock === null ? undefined : stockSum(stock.totals) },
  ]
}

function sum(name: Sum['name'], whole: Term, parts: readonly Term[]): Sum {
  return { name, whole, parts, difference: parts.reduce((total, { value }) => total + value, 0) - whole.value }
}
