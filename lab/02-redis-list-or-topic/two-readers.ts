import { Consumer, Producer, type Message } from '@platformatic/kafka'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Redis } from './redis-connection.ts'

export const EVENTS = 5_000
export const LIST = 'events'
/** Where a reader keeps what it has moved out of the list. */
export const IN_HAND = 'in-hand'
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

/** What is there for another reader when as many events were taken from a list as were put in, and not one more. */
export async function listAgain(redis: Redis): Promise<number> {
  await fillList(redis)
  for (let taken = 0; taken < EVENTS; taken += BATCH) await redis.rPopCount(LIST, BATCH)
  const there = await redis.lRange(LIST, 0, -1)
  await redis.del(LIST)
  return there.length
}

/** What each of two groups gets of a topic. */
export async function topicForTwo(brokers: string, topic: string): Promise<readonly [number, number]> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const events = Array.from({ length: EVENTS }, (_, index) => ({ topic, value: Buffer.from(String(index)) }))
    for (let at = 0; at < EVENTS; at += BATCH) {
      await producer.send({
        messages: events.slice(at, at + BATCH).map((event) => ({ ...event, partition: 0 })),
        acks: -1,
      })
    }
  } finally {
    await producer.close()
  }
  const [one = [], other = []] = await Promise.all(['one', 'other'].map((group) => readTopic(brokers, topic, group)))
  return [one.length, other.length]
}

/** All that is there, as a group that has committed nothing yet; `group` need be the only one of its name on this topic. */
export async function readTopic(brokers: string, topic: string, group: string): Promise<string[]> {
  await using offsets = new Offsets(brokers)
  const there = await offsets.count(topic)
  const consumer = new Consumer({ groupId: `${topic}-${group}`, clientId: 'lab', bootstrapBrokers: [brokers] })
  const read: string[] = []
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    stream.on('data', (message: Message) => read.push(String(message.value)))
    await until('everything is read', () => read.length >= there)
    return read
  } finally {
    await consumer.close(true)
  }
}
