import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { BACKLOG_MIB, HEAP_MIB, listWithoutReaders, MEMORY_MIB, topicWithoutReaders } from './backlog.ts'
import { dieHolding, dieReading, killServers } from './crashes.ts'
import { claimsOf, figuresOf, type Found } from './findings.ts'
import { listInOrder, topicInOrder } from './in-order.ts'
import { connect } from './redis-connection.ts'
import { EVENTS, LIST, listForTwo, readTopic, TOPIC, topicForTwo } from './two-readers.ts'

export const experiment: Experiment = {
  question: {
    en: 'A Redis list as a queue, or a topic: who may read, what can be read again, what does a crash lose, and what when nobody reads?',
    ko: '큐로 쓰는 Redis 리스트와 토픽: 누가 읽을 수 있고, 다시 읽을 수 있으며, 죽으면 무엇을 잃고, 아무도 읽지 않으면 어떻게 되는가?',
  },
  async run({ say }): Promise<Outcome> {
    say('starting Kafka and Redis')
    await using servers = await startServers({ kafka: 1, redis: true })
    await servers.createTopic(TOPIC, 1)
    const redis = connect(servers.redisUrl)
    await redis.connect()
    try {
      say(`${EVENTS} events into each, for two readers who both want all of them`)
      const list = await listForTwo(redis)
      const topic = await topicForTwo(servers.brokers)
      say('steps of orders, worked off by two, some steps slower than others')
      const inOrder = { list: await listInOrder(redis), topic: await topicInOrder(servers) }
      say('read again from the beginning')
      const again = { list: await redis.lLen(LIST), topic: (await readTopic(servers.brokers, 'again')).length }
      say('a reader that is killed with an event in its hands')
      const lost = { popped: await dieHolding(servers, redis, 'pop'), moved: await dieHolding(servers, redis, 'move') }
      const redelivered = await dieReading(servers)
      say('kill -9 for both servers, as each is set up by default; then Redis with a log of its own')
      const after = await killServers(servers, redis)
      say(
        `a backlog of ${BACKLOG_MIB} MiB while nobody reads, with ${MEMORY_MIB} MiB for Redis and ${HEAP_MIB} MiB for Kafka's heap`,
      )
      const backlog = { list: await listWithoutReaders(redis), topic: await topicWithoutReaders(servers) }
      const found: Found = { list, topic, inOrder, again, lost, redelivered, after, backlog }
      return {
        claims: claimsOf(found),
        figures: figuresOf(found),
        work: {
          'events read from lists': list[0] + list[1],
          'records read': topic[0] + topic[1] + again.topic,
          'MiB taken': backlog.list + backlog.topic,
        },
      }
    } finally {
      redis.destroy()
    }
  },
}
