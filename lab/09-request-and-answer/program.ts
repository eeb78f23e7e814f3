import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { StockReserved } from '@timesale/contracts/stock-events'
import { isEvent } from '@timesale/kafka/decode'
import { Database } from '@timesale/postgres/database'
import fastify from 'fastify'
import { PRODUCT, reserve } from './books.ts'
import { openEventLink } from './event-link.ts'
import { countKafkaRequests } from './kafka-requests.ts'
import { processCosts, type ProcessCosts } from './costs.ts'

// The stock service: sets a unit aside for an order, asked by HTTP or told by an event. Both doors are open all the time;
// behind them is the same statement.

export interface Given {
  readonly brokers: string
  readonly postgresUrl: string
  readonly port: number
}

/** That both doors are open, and, whenever something is said to it, what it has done so far. */
export type Told = { readonly isOpen: true } | { readonly spent: ProcessCosts }

const { brokers, postgresUrl, port } = JSON.parse(process.argv[2] ?? '{}') as Given
process.on('disconnect', () => process.exit(1))
const requests = countKafkaRequests()
let calls = 0
const db = new Database({ url: postgresUrl, poolSize: 2, applicationName: 'lab-stock' })

const app = fastify()
app.post<{ Params: { orderId: string } }>('/reservations/:orderId', async (request) => {
  calls += 1
  return { isReserved: await reserve(db.write, request.params.orderId) }
})
await app.listen({ host: '127.0.0.1', port })

await openEventLink({
  ...{ group: 'stock', topic: 'order-topic', hears: OrderPlaced, db, dbUrl: postgresUrl, brokers: brokers.split(',') },
  apply: async (tx, events) => {
    const facts = []
    for (const event of events) {
      if (!isEvent(event, OrderPlaced) || !(await reserve(tx, event.aggregateId))) continue
      const data = { orderId: event.aggregateId, productId: PRODUCT, quantity: 1 }
      facts.push(fact(StockReserved, { aggregateId: event.aggregateId, version: 1, data }))
    }
    return facts
  },
})
tell({ isOpen: true })
process.on('message', () => tell({ spent: processCosts(requests, calls) }))

function tell(told: Told): void {
  process.send?.(told)
}
