import { Consumer, Producer, type Message } from '@platformatic/kafka'
import { until } from '@timesale/testkit/until'
import type { Redis } from './redis-connection.ts'

export const EVENTS = 5_000
export const LIST = 'events'
/** Where a reader keeps what it has moved out of the list. */
export const IN_HAND = 'in-hand'
export const TOPIC = 'events'
const BATCH = 1_000

/** All events into the list. */
export async function fillList(redis: Redis): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, index) => String(index))
  for (let at = 0; at < EVENTS; at += BATCH) await redis.lPush(LIST, events.slice(at, at + BATCH))
}

/** What each of two readers gets of a list. */
export async function listForTwo(redis: Redis): Promise<readonly [number, number]> {
  await fillList(redis)
  const readers = [redis.duplicate(), redis.duplicate()]
  const read = async (reader: Redis): Promise<number> => {
    await reader.connect()
    let count = 0
    while ((await reader.brPop(LIST, 0.5)) !== null) count += 1
    reader.destroy()
    return count
  }
  const [one = 0, other = 0] = await Promise.all(readers.map(read))
  return [one, other]
}

/** What each of two groups gets of a topic. */
export async function topicForTwo(brokers: string): Promise<readonly [number, number]> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const events = Array.from({ length: EVENTS }, (_, index) => ({ topic: TOPIC, value: Buffer.from(String(index)) }))
    for (let at = 0; at < EVENTS; at += BATCH) {
      await producer.send({
        messages: events.slice(at, at + BATCH).map((event) => ({ ...event, partition: 0 })),
        acks: -1,
      })
    }
  } finally {
    await producer.close()
  }
  const [one = [], other = []] = await Promise.all(['one', 'other'].map((group) => readTopic(brokers, group)))
  return [one.length, other.length]
}

/** All that is there, as a group that has committed nothing yet. */
export async function readTopic(brokers: string, group: string): Promise<string[]> {
  const consumer = new Consumer({ groupId: group, clientId: 'lab', bootstrapBrokers: [brokers] })
  const read: string[] = []
  try {
    const stream = await consumer.consume({ topics: [TOPIC], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    stream.on('data', (message: Message) => read.push(String(message.value)))
    await until('everything is read', () => read.length >= EVENTS)
    return read
  } finally {
    await consumer.close(true)
  }
}
