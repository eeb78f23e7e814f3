import { TOPICS } from '@timesale/contracts/topics'
import { lookAt, type Books } from './books.ts'
import { readEnds } from './kafka-offsets.ts'

/** Grows with each order and each event: where it is the same twice, nobody ordered or changed anything in between. */
export async function readTraffic(books: Books): Promise<number> {
  const [orders, ends] = await Promise.all([
    lookAt(books, 'order', async (look) => {
      const [row] = await look.rows<[string]>('select count(*) from orders')
      return Number(row?.[0])
    }),
    readEnds(books.brokers),
  ])
  return TOPICS.flatMap((topic) => ends.get(topic) ?? []).reduce((sum, end) => sum + end, orders)
}
