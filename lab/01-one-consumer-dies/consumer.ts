import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import type { Database } from '@timesale/postgres/database'
import { isInfrastructure } from '@timesale/postgres/errors'
import { insertEffect } from './tables.ts'
import type { Listener } from './ways.ts'

export const TOPIC = 'orders'
export const PARTITIONS = 3

const AGAIN_MS = 100

/** Does for each record of the topic what its listener does, and then commits its offset. Resolves when it reads. */
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
    for await (const message of stream) {
      await insertSometime(db, listener, String(message.key))
      // Nobody dies of it: a later one says as much, and the record would only come again.
      await Promise.resolve(message.commit()).catch(() => undefined)
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
