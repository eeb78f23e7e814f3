import { OrderedProducer } from '@timesale/kafka/producer'
import { withTicks, type Shared } from './sample.ts'
import { openTopic } from './topic.ts'

const TOPIC = 'dying'
const PARTITIONS = 6

/** Milliseconds from when a member is killed until every partition is read again. It is gone afterwards. */
export async function killOne({ servers, crew }: Shared): Promise<number> {
  await openTopic(servers, TOPIC, PARTITIONS)
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: servers.brokers.split(',') })
  await crew.join(TOPIC, PARTITIONS)
  crew.setPace('draining')
  return await withTicks(producer, TOPIC, PARTITIONS, async () => {
    const member = await crew.somebodyAtWork()
    return await crew.timeUntilRead(PARTITIONS, () => member.kill(), member)
  })
}
