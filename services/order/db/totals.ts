import type { OrderTotals } from '@timesale/contracts/console-api'
import type { Sql } from '@timesale/postgres/sql'

/**
 * Orders by state, and how many were ever placed, at one moment. The latter by their history, so that the one does not
 * follow from the other: an order that is lost from either table makes them differ. Reads both whole.
 */
export async function countOrders(sql: Sql): Promise<OrderTotals> {
  const [counts] = await sql<OrderTotals>`
    select (select count(*)::int from order_history where version = 1) as accepted,
      (count(*) filter (where status = 'PLACED'))::int as open,
      (count(*) filter (where status = 'CONFIRMED'))::int as confirmed,
      (count(*) filter (where status = 'REJECTED'))::int as rejected,
      (count(*) filter (where status = 'CANCELLED'))::int as cancelled
    from orders`
  return counts ?? { accepted: 0, open: 0, confirmed: 0, rejected: 0, cancelled: 0 }
}
