import Type, { type Static } from 'typebox'
import { OrderTotals, StockTotals } from './console-api.ts'

const count = Type.Integer({ minimum: 0 })
const ageMs = Type.Integer({ minimum: 0, description: 'How long ago it was read' })

/** `GET /totals` of each service with a database, for operators: what waits in its outbox, and what it keeps count of. */
export const ServiceTotals = Type.Object({
  outbox: Type.Union(
    [
      Type.Object({
        ageMs,
        events: count,
        rows: count,
        oldestMs: Type.Number({ minimum: 0, description: '0 where nothing waits' }),
      }),
      Type.Null(),
    ],
    { description: 'null: the database has not answered yet' },
  ),
  /** Counted again at most each second, and in a twentieth of the time: on large tables it is some seconds old. */
  counted: Type.Optional(Type.Object({ ageMs, orders: Type.Optional(OrderTotals), stock: Type.Optional(StockTotals) })),
})
export type ServiceTotals = Static<typeof ServiceTotals>
