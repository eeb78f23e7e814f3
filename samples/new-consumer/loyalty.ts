import { OrderConfirmed } from '@timesale/contracts/order-events'
import { isEvent } from '@timesale/kafka/decode'
import { TopicTail } from '@timesale/kafka/topic-tail'
import { createLogger } from '@timesale/telemetry/logger'

// A point for every unit that a buyer was sold. It keeps nothing, since the topic does: each start reads it from the beginning.
const orders = new Map<string, { buyerId: string; points: number }>()

const tail = new TopicTail({
  clientId: 'loyalty',
  topics: ['order-topic'],
  brokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
  from: 'beginning',
  uses: [OrderConfirmed],
  logger: createLogger({ service: 'loyalty', level: 'warn' }),
  onEvents(events) {
    // After a fault some come again: what is kept by the order's id is counted once.
    for (const { data } of events.filter((event) => isEvent(event, OrderConfirmed)))
      orders.set(data.orderId, { buyerId: data.buyerId, points: data.quantity })
    const buyers = Map.groupBy(orders.values(), ({ buyerId }) => buyerId)
    for (const [buyer, own] of buyers)
      console.log(`${buyer}: ${own.reduce((sum, { points }) => sum + points, 0)} points`)
  },
})
tail.start()
process.once('SIGINT', () => void tail.stop().then(() => process.exit()))
