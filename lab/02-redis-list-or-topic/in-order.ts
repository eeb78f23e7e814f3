import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, Producer } from '@platformatic/kafka'
import { keyToPartition } from '@timesale/kafka/partition'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Servers } from '../framework/servers.ts'
import { ordersOutOfStep } from '../framework/steps-in-order.ts'
import type { Redis } from './redis-connection.ts'
import { LIST } from './two-readers.ts'

export const ORDERS = 50
const STEPS = 10
const STEP_MAX_MS = 4
const SETTLE_MS = 1_500

const steps = Array.from({ length: ORDERS * STEPS }, (_, index) => ({
  order: `order-${index % ORDERS}`,
  step: Math.floor(index / ORDERS) + 1,
}))

/** Orders whose steps are done out of order by two who work off a list. */
export async function listInOrder(redis: Redis): Promise<number> {
  // All steps of an order one after the other, as they come when somebody changes it quickly.
  await redis.lPush(
    LIST,
    byOrder().map(({ order, step }) => `${order} ${step}`),
  )
  const done: string[] = []
  const reader = async (): Promise<void> => {
    const own = redis.duplicate()
    await own.connect()
    for (let event = await own.rPop(LIST); event !== null; event = await own.rPop(LIST)) await work(done, event)
    own.destroy()
  }
  await Promise.all([reader(), reader()])
  return ordersOutOfStep(done)
}

/** The same by two members of a group. */
export async function topicInOrder(servers: Servers, topic: string): Promise<number> {
  await servers.createTopic(topic, 2)
  const done: string[] = []
  const consumers = [1, 2].map(() => {
    return new Consumer({ groupId: topic, clientId: 'lab', bootstrapBrokers: [servers.brokers] })
  })
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  // One that ends when all is over is nobody's concern any more.
  failed.catch(() => undefined)
  const read = async (consumer: Consumer): Promise<void> => {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    void (async () => {
      for await (const message of stream) await work(done, String(message.value))
    })().catch(fail)
  }
  try {
    for (const consumer of consumers) await read(consumer)
    await using offsets = new Offsets(servers.brokers)
    await until(
      'both have a partition',
      async () => (await offsets.members(topic, topic)).filter((own) => own.length === 1).length === 2,
    )
    // Who has just joined looks up where to begin, and would read again what is written meanwhile.
    await sleep(SETTLE_MS)
    await writeSteps(servers.brokers, topic)
    // A step that comes again is one step.
    const isDone = (): boolean => new Set(done).size === steps.length
    await Promise.race([until('all steps are done', isDone), failed])
    return ordersOutOfStep(done)
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)))
  }
}

/** Each step takes its time, some longer than others, as work does. */
async function work(done: string[], event: string): Promise<void> {
  await sleep(Math.random() * STEP_MAX_MS)
  done.push(event)
}

async function writeSteps(brokers: string, topic: string): Promise<void> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const messages = byOrder().map(({ order, step }) => {
      const key = Buffer.from(order)
      return { topic, key, partition: keyToPartition(key) % 2, value: Buffer.from(`${order} ${step}`) }
    })
    await producer.send({ messages, acks: -1 })
  } finally {
    await producer.close()
  }
}

function byOrder(): typeof steps {
  return steps.toSorted((one, other) => one.order.localeCompare(other.order) || one.step - other.step)
}
