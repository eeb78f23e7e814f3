import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { BACKLOG_MIB, listWithoutReaders, MEMORY_MIB, mebibytes, topicWithoutReaders, type Backlog } from './backlog.ts'
import { dieHolding, dieReading, killServers } from './crashes.ts'
import { claimsOf, figuresOf, type Run } from './findings.ts'
import { listInOrder, topicInOrder } from './in-order.ts'
import { connect, type Redis } from './redis-connection.ts'
import { EVENTS, listAgain, listForTwo, readTopic, topicForTwo } from './two-readers.ts'

export const experiment: Experiment = {
  question: {
    en: 'A Redis list as a queue, or a topic: who may read, what can be read again, what does a crash lose, and what when nobody reads?',
    ko: '큐로 쓰는 Redis 리스트와 토픽: 누가 읽을 수 있고, 다시 읽을 수 있으며, 죽으면 무엇을 잃고, 아무도 읽지 않으면 어떻게 되는가?',
  },
  async run({ say, repeats }): Promise<Outcome> {
    say('starting Kafka and Redis')
    await using servers = await startServers({ kafka: 1, redis: true })
    const redis = connect(servers.redisUrl)
    await redis.connect()
    try {
      const numbers = Array.from({ length: repeats }, (_, index) => index + 1)
      const runs: Run[] = []
      for (const run of numbers) {
        say(
          `run ${run} of ${repeats}: two who want all of ${EVENTS} events, order, replay; readers and servers are killed`,
        )
        runs.push(await readAndKill(servers, redis, run))
      }
      // After the last kill: a broker that was killed reads again what it has on the disk.
      const backlogs: Backlog[] = []
      for (const run of numbers) {
        say(
          `run ${run} of ${repeats}: ${BACKLOG_MIB} MiB for each while nobody reads, with ${MEMORY_MIB} MiB for Redis and for Kafka's heap; then all of it is read back`,
        )
        const [list, topic] = [await listWithoutReaders(redis), await topicWithoutReaders(servers, `backlog-${run}`)]
        backlogs.push({ list, ...topic })
      }
      return {
        claims: claimsOf(runs, backlogs),
        figures: figuresOf(runs, backlogs),
        work: [
          {
            what: { en: 'events read from lists', ko: '리스트에서 읽은 이벤트' },
            count: sum(runs, ({ list }) => list[0] + list[1]),
          },
          {
            what: { en: 'records read', ko: '읽은 레코드' },
            count: sum(runs, ({ topic, again }) => topic[0] + topic[1] + again.topic),
          },
          {
            what: { en: 'MiB read back', ko: '돌려받은 MiB' },
            count: sum(backlogs, ({ list, topic }) => mebibytes(list.readBack) + mebibytes(topic.readBack)),
          },
        ],
      }
    } finally {
      redis.destroy()
    }
  },
}

async function readAndKill(servers: Servers, redis: Redis, run: number): Promise<Run> {
  const events = `events-${run}`
  await servers.createTopic(events, 1)
  const list = await listForTwo(redis)
  const topic = await topicForTwo(servers.brokers, events)
  const inOrder = { list: await listInOrder(redis), topic: await topicInOrder(servers, `steps-${run}`) }
  const again = { list: await listAgain(redis), topic: (await readTopic(servers.brokers, events, 'again')).length }
  const dieHoldingBoth = async (): Promise<Run['lost']> => ({
    popped: await dieHolding(servers, redis, 'pop'),
    moved: await dieHolding(servers, redis, 'move'),
  })
  const [lost, readAgain] = await Promise.all([dieHoldingBoth(), dieReading(servers, events)])
  const after = await killServers(servers, redis, events)
  return { list, topic, inOrder, again, lost, readAgain, after }
}

function sum<One>(runs: readonly One[], value: (one: One) => number): number {
  return runs.reduce((all, run) => all + value(run), 0)
}
