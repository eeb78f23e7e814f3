import { join } from 'node:path'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { startChild } from '../framework/child-program.ts'
import type { Servers } from '../framework/servers.ts'
import type { Given, Told, Way } from './program.ts'
import type { Redis } from './redis-connection.ts'
import { fillList, IN_HAND, LIST, readTopic } from './two-readers.ts'

/** Whether an event is gone whose reader was killed after it took it. */
export async function dieHolding({ brokers, redisUrl }: Servers, redis: Redis, way: 'pop' | 'move'): Promise<boolean> {
  await redis.lPush(LIST, 'precious')
  await takeAndDie({ way, brokers, redisUrl, topic: '' })
  const there = [...(await redis.lRange(LIST, 0, -1)), ...(await redis.lRange(IN_HAND, 0, -1))]
  await redis.del([LIST, IN_HAND])
  return !there.includes('precious')
}

/** Whether the next member of the group reads a record again whose reader was killed. */
export interface ReadAgain {
  /** Before it had committed it. */
  readonly uncommitted: boolean
  /** After. */
  readonly committed: boolean
}

/** Three members of a group, one after the other: the first commits nothing, the second what it has read. */
export async function dieReading({ brokers, redisUrl }: Servers, topic: string): Promise<ReadAgain> {
  const read = (way: Way): Promise<string> => takeAndDie({ way, brokers, redisUrl, topic })
  const first = await read('read')
  const second = await read('commit')
  const third = await read('read')
  return { uncommitted: second === first, committed: third === second }
}

/** What a reader took before it was killed. */
async function takeAndDie(given: Given): Promise<string> {
  await using reader = startChild<Told>(join(import.meta.dirname, 'program.ts'), given)
  const took = await reader.heard('it has taken an event', (told) => told.took)
  if (!(await reader.kill())) throw new Error('The reader had ended before it was killed')
  return took
}

/** Events that are there after a kill of their server. */
export interface Left {
  readonly topic: number
  /** Redis as a cache is set up. */
  readonly plain: number
  /** Redis with a log of its own. */
  readonly logged: number
}

/** `topic` has all events already. */
export async function killServers(servers: Servers, redis: Redis, topic: string): Promise<Left> {
  const [ofRedis, ofKafka] = await Promise.all([killRedis(servers, redis), killKafka(servers, topic)])
  return { ...ofRedis, topic: ofKafka }
}

async function killRedis(servers: Servers, redis: Redis): Promise<Omit<Left, 'topic'>> {
  // The part starts Redis without its log; it loads one when it is told to begin with it.
  const crash = async (more: readonly string[]): Promise<number> => {
    await servers.part('redis').kill('SIGKILL')
    await servers.part('redis').start({ more })
    await until('Redis is back', async () => (await redis.ping()) === 'PONG')
    const left = await redis.lLen(LIST)
    await redis.del(LIST)
    return left
  }
  await fillList(redis)
  const plain = await crash([])

  await redis.configSet({ appendonly: 'yes', appendfsync: 'everysec' })
  await fillList(redis)
  // While the disk is busy it keeps what it has confirmed to itself for up to two seconds, and that dies with it.
  await until('the log is begun, and handed to the operating system', async () => {
    const about = await redis.info('persistence')
    return about.includes('aof_rewrite_in_progress:0') && about.includes('aof_buffer_length:0')
  })
  const logged = await crash(['--appendonly', 'yes'])
  await redis.configSet({ appendonly: 'no' })
  return { plain, logged }
}

/** Distinct records that are read afterwards. */
async function killKafka(servers: Servers, topic: string): Promise<number> {
  await servers.part('kafka-1').kill('SIGKILL')
  await servers.part('kafka-1').start()
  await using offsets = new Offsets(servers.brokers)
  await until('the partition has its leader', async () => (await offsets.ends(topic)).length > 0)
  return new Set(await readTopic(servers.brokers, topic, 'after-the-kill')).size
}
