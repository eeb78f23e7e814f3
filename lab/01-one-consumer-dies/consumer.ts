import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, type Message } from '@platformatic/kafka'
import type { Database } from '@timesale/postgres/database'
import { isInfrastructure } from '@timesale/postgres/errors'
import { insertEffect } from './tables.ts'
import type { Listener } from './ways.ts'

export const TOPIC = 'orders'
export const PARTITIONS = 3

/** As many orders as one who is called may have under way. */
const BATCH_MAX = 64
const AGAIN_MS = 100

/**
 * Does for each record of the topic what its listener does, for all that are there at once, and then commits their offsets.
 * Resolves when it reads.
 */
export async function consumeOrders(
  { brokers, listener }: { brokers: string; listener: Listener },
  db: Database,
): Promise<void> {
  const consumer = new Consumer({
    ...{ clientId: listener, groupId: listener, bootstrapBrokers: brokers.split(',') },
    // Static membership: who comes back under this name has its partitions at once, and does not wait until the one that
    // was killed is missed.
    groupInstanceId: listener,
    autocommit: false,
  })
  // An error of a connection rejects the call it belongs to as well; without a listener it would end the process.
  consumer.on('error', () => undefined)
  const stream = await consumer.consume({
    ...{ topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest', autocommit: false, maxWaitTime: 100 },
  })
  const work = async (): Promise<void> => {
    for await (const first of stream) {
      const batch: Message[] = [first]
      while (batch.length < BATCH_MAX) {
        const next = stream.read() as Message | null
        if (next === null) break
        batch.push(next)
      }
      await Promise.all(batch.map(({ key }) => insertSometime(db, listener, String(key))))
      // The last one of each partition speaks for those before it.
      const last = new Map(batch.map((message) => [message.partition, message]))
      // Nobody dies of it: a later one says as much, and the records would only come again.
      await Promise.all([...last.values()].map(async (message) => message.commit())).catch(() => undefined)
    }
  }
  work().catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
}

/** A database that is busy for a moment is no reason to die: nobody would start us again. */
async function insertSometime(db: Database, listener: Listener, orderId: string): Promise<void> {
  for (;;) {
    try {
      return await insertEffect(db.write, 'events', listener, orderId)
    } catch (error) {
      if (!isInfrastructure(error)) throw error
      await sleep(AGAIN_MS)
    }
  }
}
