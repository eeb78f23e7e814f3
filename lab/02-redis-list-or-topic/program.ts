import { Consumer, type Message } from '@platformatic/kafka'
import { connect } from './redis-connection.ts'
import { IN_HAND, LIST, TOPIC } from './two-readers.ts'

// A reader in a process of its own: it takes one event, says which, and holds it until it is killed.

/** Popped from the list, moved to a list of its own, or read from the topic and not committed. */
export type Way = 'pop' | 'move' | 'read'

/** What it is started with. */
export interface Given {
  readonly way: Way
  readonly brokers: string
  readonly redisUrl: string
}

/** Once. */
export interface Told {
  readonly took: string
}

const GROUP = 'dies-once'
/** The next member has to wait until the session of a dead one is over: by default a minute. */
const SESSION_MS = 3_000

const { way, brokers, redisUrl } = JSON.parse(process.argv[2] ?? '{}') as Given
process.on('disconnect', () => process.exit(1))
const told: Told = { took: way === 'read' ? await read() : await take() }
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
    ...{ groupId: GROUP, clientId: 'lab', bootstrapBrokers: [brokers] },
    ...{ sessionTimeout: SESSION_MS, rebalanceTimeout: 2 * SESSION_MS, heartbeatInterval: SESSION_MS / 6 },
  })
  const stream = await consumer.consume({
    ...{ topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest' },
    ...{ autocommit: false, maxWaitTime: 100 },
  } as const)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  stream.once('data', (message: Message) => resolve(String(message.value)))
  stream.once('error', reject)
  return await promise
}
