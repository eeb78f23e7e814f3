import { OrderedProducer } from '@timesale/kafka/producer'
import { withTicks, type Shared } from './sample.ts'
import { openTopic } from './topic.ts'

const TOPIC = 'dying'
const PARTITIONS = 6
/** Each is waited for ten seconds, and all experiments must end in two minutes. */
const KILLS = 2

/** Of each member that is killed, one after the other: milliseconds until every partition is read again. They are gone afterwards. */
export async function killSome({ servers, crew }: Shared): Promise<number[]> {
  await openTopic(servers, TOPIC, PARTITIONS)
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: servers.brokers.split(',') })
  await crew.join(TOPIC, PARTITIONS)
  crew.setPace('draining')
  return await withTicks(producer, TOPIC, PARTITIONS, async () => {
    const dyingMs: number[] = []
    for (let kill = 0; kill < KILLS; kill += 1) {
      const member = await crew.somebodyAtWork()
      dyingMs.push(await crew.timeUntilRead(PARTITIONS, () => crew.kill(member), member))
    }
    return dyingMs
  })
}
