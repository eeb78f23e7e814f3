import { OrderConfirmed, type OrderAbout } from '@timesale/contracts/order-events'
import { TopicTail } from '@timesale/kafka/topic-tail'
import { createLogger } from '@timesale/telemetry/logger'

// A point for every unit that a buyer was sold. It keeps nothing, since the topic does: each start reads it from the beginning.
// After a fault some orders come again: what is kept by the order's id is counted once.
const orders = new Map<string, OrderAbout>()

new TopicTail({
  clientId: 'loyalty',
  topics: ['order-topic'],
  brokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
  from: 'beginning',
  uses: [OrderConfirmed],
  logger: createLogger({ service: 'loyalty', level: 'warn' }),
  onEvents(events) {
    // Nothing but what it uses is handed on, and that has been checked against its schema.
    const confirmed = events.map(({ data }) => data as OrderAbout)
    for (const order of confirmed) orders.set(order.orderId, order)
    const byBuyer = Map.groupBy(orders.values(), ({ buyerId }) => buyerId)
    for (const buyer of new Set(confirmed.map(({ buyerId }) => buyerId)))
      console.log(`${buyer}: ${byBuyer.get(buyer)?.reduce((sum, { quantity }) => sum + quantity, 0)} points`)
  },
}).start()
process.once('SIGINT', () => process.exit())
