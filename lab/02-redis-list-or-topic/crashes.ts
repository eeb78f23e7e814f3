import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { startChild } from '../framework/child-program.ts'
import type { Servers } from '../framework/servers.ts'
import type { Given, Told } from './program.ts'
import type { Redis } from './redis-connection.ts'
import { fillList, IN_HAND, LIST, TOPIC } from './two-readers.ts'

/** Whether an event is gone whose reader was killed after it took it. */
export async function dieHolding({ brokers, redisUrl }: Servers, redis: Redis, way: 'pop' | 'move'): Promise<boolean> {
  await redis.lPush(LIST, 'precious')
  await takeAndDie({ way, brokers, redisUrl })
  const there = [...(await redis.lRange(LIST, 0, -1)), ...(await redis.lRange(IN_HAND, 0, -1))]
  await redis.del([LIST, IN_HAND])
  return !there.includes('precious')
}

/** Whether a record whose reader was killed before it committed is read again by the next member of the group. */
export async function dieReading({ brokers, redisUrl }: Servers): Promise<boolean> {
  const given: Given = { way: 'read', brokers, redisUrl }
  return (await takeAndDie(given)) === (await takeAndDie(given))
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
