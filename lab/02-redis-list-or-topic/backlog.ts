import { Producer } from '@platformatic/kafka'
import { Offsets } from '@timesale/testkit/offsets'
import type { Servers } from '../framework/servers.ts'
import type { Redis } from './redis-connection.ts'
import { LIST } from './two-readers.ts'

// What both take in until one of them refuses: more than the memory that either is given.
const LARGE_BYTES = 100 * 1024
export const MEMORY_MIB = 64
/** That of a broker as it is started here (local/infrastructure/kafka.ts). */
export const HEAP_MIB = 256
export const BACKLOG_MIB = 2 * HEAP_MIB

/** MiB that a list takes until Redis says that it has no room; what is there stays, since a queue may not lose what it took. */
export async function listWithoutReaders(redis: Redis): Promise<number> {
  await redis.configSet({ maxmemory: `${MEMORY_MIB}mb`, 'maxmemory-policy': 'noeviction' })
  const event = 'x'.repeat(LARGE_BYTES)
  let taken = 0
  try {
    for (; taken < (BACKLOG_MIB * 2 ** 20) / LARGE_BYTES; taken += 10)
      await redis.lPush(
        LIST,
        Array.from({ length: 10 }, () => event),
      )
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('OOM'))) throw error
  }
  return Math.floor(((await redis.lLen(LIST)) * LARGE_BYTES) / 2 ** 20)
}

/** MiB that a topic takes of as much. */
export async function topicWithoutReaders(servers: Servers): Promise<number> {
  await servers.createTopic('backlog', 1)
  const event = Buffer.alloc(LARGE_BYTES, 'x')
  const wanted = Math.ceil((BACKLOG_MIB * 2 ** 20) / LARGE_BYTES)
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [servers.brokers] })
  try {
    for (let at = 0; at < wanted; at += 8) {
      const messages = Array.from({ length: Math.min(8, wanted - at) }, () => ({
        topic: 'backlog',
        partition: 0,
        value: event,
      }))
      await producer.send({ messages, acks: -1 })
    }
  } finally {
    await producer.close()
  }
  await using offsets = new Offsets(servers.brokers)
  return Math.floor(((await offsets.count('backlog')) * LARGE_BYTES) / 2 ** 20)
}
