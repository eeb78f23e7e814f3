import { Admin } from '@platformatic/kafka'
import { OrderedProducer } from '@timesale/kafka/producer'
import { until } from '@timesale/testkit/until'
import { areDone, clearLedger, ordersBeyond, readLedger, type Worked } from './ledger.ts'
import type { Shared } from './sample.ts'
import { movedOrders, ORDERS, sendSteps, stepsOf } from './steps.ts'
import { openTopic, untilLed } from './topic.ts'

/** A topic that was given more partitions while there were steps in it that nobody had worked off. */
export interface Grown {
  readonly worked: Worked
  /** Orders whose key has come into another partition by that. */
  readonly moved: number
}

const BEFORE = 3
const AFTER = 6
/** Of each order, before and after. */
const STEPS = 20

export async function growTopic({ servers, db, crew }: Shared): Promise<Grown> {
  const topic = 'grown'
  await openTopic(servers, topic, BEFORE)
  await write(servers.brokers, stepsOf(topic, 1, STEPS))
  await addPartitions(servers.brokers, topic)
  await write(servers.brokers, stepsOf(topic, 1 + STEPS, STEPS))
  await crew.join(topic, AFTER)
  const moved = movedOrders(BEFORE, AFTER)
  // Slowly, until every order that has moved is under way in its new partition. In the old ones thousands come first.
  crew.setPace('asking')
  const areUnderWay = async (): Promise<boolean> => (await ordersBeyond(db, STEPS)) >= moved
  await crew.whileAllRun(until('those that have moved are under way', areUnderWay))
  crew.setPace('draining')
  await crew.whileAllRun(until('all steps are done', () => areDone(db, 2 * STEPS * ORDERS)))
  const worked = await readLedger(db)
  await crew.leave()
  await clearLedger(db)
  return { worked, moved }
}

// A producer of its own each time: one that knows the topic does not look at it again for a minute.
async function write(brokers: string, records: ReturnType<typeof stepsOf>): Promise<void> {
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: brokers.split(',') })
  await sendSteps(producer, records)
}

async function addPartitions(brokers: string, topic: string): Promise<void> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: brokers.split(',') })
  try {
    await admin.createPartitions({ topics: [{ name: topic, count: AFTER }] })
  } finally {
    await admin.close()
  }
  await untilLed(brokers, topic, AFTER)
}
