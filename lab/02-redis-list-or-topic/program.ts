import { Consumer, type Message } from '@platformatic/kafka'
import { connect } from './redis-connection.ts'
import { IN_HAND, LIST } from './two-readers.ts'

// A reader in a process of its own: it takes one event, says which, and holds it until it is killed.

/** Popped from the list, moved to a list of its own, read from the topic and not committed, or read and committed. */
export type Way = 'pop' | 'move' | 'read' | 'commit'

/** What it is started with. */
export interface Given {
  readonly way: Way
  readonly brokers: string
  readonly redisUrl: string
  /** Of one partition, for those who read. */
  readonly topic: string
}

/** Once. */
export interface Told {
  readonly took: string
}

/** The next member has to wait until the session of a dead one is over: a minute by default in this client. */
const SESSION_MS = 2_000

const { way, brokers, redisUrl, topic } = JSON.parse(process.argv[2] ?? '{}') as Given
process.on('disconnect', () => process.exit(1))
const told: Told = { took: way === 'pop' || way === 'move' ? await take() : await read() }
process.send?.(told)

async function take(): Promise<string> {
  const redis = connect(redisUrl)
  await redis.connect()
  const event = way === 'pop' ? await redis.rPop(LIST) : await redis.lMove(LIST, IN_HAND, 'RIGHT', 'LEFT')
  if (event === null) throw new Error('There is nothing in the list')
  return event
}

async function read(): Promise<string> {
  const consumer = new Consumer({
    ...{ groupId: `${topic}-dying`, clientId: 'lab', bootstrapBrokers: [brokers] },
    ...{ sessionTimeout: SESSION_MS, rebalanceTimeout: 2 * SESSION_MS, heartbeatInterval: SESSION_MS / 5 },
  })
  const stream = await consumer.consume({
    ...{ topics: [topic], mode: 'committed', fallbackMode: 'earliest' },
    ...{ autocommit: false, maxWaitTime: 100 },
  } as const)
  const { promise, resolve, reject } = Promise.withResolvers<Message>()
  stream.once('data', resolve)
  stream.once('error', reject)
  const message = await promise
  if (way === 'commit') await message.commit()
  return String(message.value)
}
