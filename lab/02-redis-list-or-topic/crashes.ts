import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, type Message } from '@platformatic/kafka'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Servers } from '../framework/servers.ts'
import type { Redis } from './redis-connection.ts'
import { fillList, LIST, TOPIC } from './two-readers.ts'

/** Whether an event is gone whose reader died after it took it. `kept`: by a move into a list of its own. */
export async function dieHolding(redis: Redis, way: 'plain' | 'kept'): Promise<boolean> {
  await redis.lPush(LIST, 'precious')
  const reader = redis.duplicate()
  await reader.connect()
  if (way === 'plain') await reader.rPop(LIST)
  else await reader.lMove(LIST, 'in-hand', 'RIGHT', 'LEFT')
  // Nobody else saw it, and its connection ends without another word.
  reader.destroy()
  const there = [...(await redis.lRange(LIST, 0, -1)), ...(await redis.lRange('in-hand', 0, -1))]
  await redis.del([LIST, 'in-hand'])
  return !there.includes('precious')
}

/** Whether a record that was read and not committed is read again by the next member of the group. */
export async function dieReading(brokers: string): Promise<boolean> {
  const group = 'dies-once'
  const firstOf = async (): Promise<string> => {
    const consumer = new Consumer({ groupId: group, clientId: 'lab', bootstrapBrokers: [brokers] })
    try {
      const stream = await consumer.consume({
        ...{ topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest' },
        ...{ autocommit: false, maxWaitTime: 100 },
      } as const)
      const { promise, resolve } = Promise.withResolvers<string>()
      stream.once('data', (message: Message) => resolve(String(message.value)))
      return await promise
    } finally {
      // Without a commit, as if it had been killed; it leaves the group, so that nobody need wait for its session to end.
      await consumer.close(true)
    }
  }
  return (await firstOf()) === (await firstOf())
}

/** Events that are there after a kill of their server. */
export interface Left {
  readonly topic: number
  /** Redis as a cache is set up. */
  readonly plain: number
  /** Redis with a log of its own. */
  readonly logged: number
}

export async function killServers(servers: Servers, redis: Redis): Promise<Left> {
  const crash = async (name: string): Promise<void> => {
    await servers.part(name).kill('SIGKILL')
    await servers.part(name).start()
  }
  const leftIn = async (): Promise<number> => {
    await until('Redis is back', async () => (await redis.ping().catch(() => '')) === 'PONG')
    const left = await redis.lLen(LIST)
    await redis.del(LIST)
    return left
  }
  await fillList(redis)
  await crash('redis')
  const plain = await leftIn()

  await redis.configSet({ appendonly: 'yes', appendfsync: 'everysec' })
  await fillList(redis)
  await until('the log is begun', async () => (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'))
  const logged = await withLog(servers, redis, leftIn)

  await crash('kafka-1')
  await using offsets = new Offsets(servers.brokers)
  const topic = await until('Kafka is back', async () => (await offsets.count(TOPIC).catch(() => 0)) || undefined)
  return { plain, logged, topic }
}

// The part starts Redis without its log; so the log is read by hand: Redis loads it when it is told to begin with it.
async function withLog(servers: Servers, redis: Redis, leftIn: () => Promise<number>): Promise<number> {
  await servers.part('redis').kill('SIGKILL')
  await servers.part('redis').start({ more: ['--appendonly', 'yes'] })
  await sleep(200)
  const left = await leftIn()
  await redis.configSet({ appendonly: 'no' })
  return left
}
