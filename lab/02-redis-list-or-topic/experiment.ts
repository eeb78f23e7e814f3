import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, Producer, type Message } from '@platformatic/kafka'
import { createClient } from 'redis'
import { keyToPartition } from '@timesale/kafka/partition'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Claim, Experiment, Outcome, Text } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'

const EVENTS = 5_000
const LIST = 'events'
const TOPIC = 'events'
const BATCH = 1_000
const ORDERS = 50
const STEPS = 10
const STEP_MAX_MS = 4
const SETTLE_MS = 1_500

/** What both take in until one of them refuses: more than the memory that either is given. */
const LARGE_BYTES = 100 * 1024
const MEMORY_MIB = 64
const BACKLOG_MIB = 256

type Redis = ReturnType<typeof connect>

export const experiment: Experiment = {
  question: {
    en: 'A Redis list as a queue, or a topic: who may read, what can be read again, what does a crash lose, and what when nobody reads?',
    ko: '큐로 쓰는 레디스 리스트와 토픽: 누가 읽을 수 있고, 다시 읽을 수 있으며, 죽으면 무엇을 잃고, 아무도 읽지 않으면 어떻게 되는가?',
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
      say('a reader that dies with an event in its hands')
      const lost = { plain: await dieHolding(redis, 'plain'), kept: await dieHolding(redis, 'kept') }
      const redelivered = await dieReading(servers.brokers)
      say('kill -9 for both servers, as each is set up by default; then Redis with a log of its own')
      const after = await killServers(servers, redis)
      say(
        `a backlog of ${BACKLOG_MIB} MiB while nobody reads, with ${MEMORY_MIB} MiB for Redis and 256 MiB for Kafka's heap`,
      )
      const backlog = { list: await fillList(redis), topic: await fillTopic(servers) }
      return outcomeOf({ list, topic, inOrder, again, lost, redelivered, after, backlog })
    } finally {
      redis.destroy()
    }
  },
}

interface Found {
  /** What each of two readers got. */
  readonly list: readonly [number, number]
  readonly topic: readonly [number, number]
  /** Orders whose steps were done out of order. */
  readonly inOrder: { readonly list: number; readonly topic: number }
  readonly again: { readonly list: number; readonly topic: number }
  /** Of one event whose reader died. */
  readonly lost: { readonly plain: boolean; readonly kept: boolean }
  readonly redelivered: boolean
  readonly after: { readonly topic: number; readonly plain: number; readonly logged: number }
  /** MiB that were taken. */
  readonly backlog: { readonly list: number; readonly topic: number }
}

function outcomeOf({ list, topic, inOrder, again, lost, redelivered, after, backlog }: Found): Outcome {
  const claims: Claim[] = [
    claim(
      'Of a list two readers get a part each, of a topic two groups get everything',
      '리스트는 두 독자가 나눠 갖고, 토픽은 두 그룹이 각각 전부를 읽는다',
      list[0] + list[1] === EVENTS && topic.every((count) => count === EVENTS),
      `list ${list.join(' and ')}, topic ${topic.join(' and ')} of ${EVENTS}`,
    ),
    claim(
      'Two who work off a list do the steps of an order out of order; two members of a group do not, since a key has one partition',
      '리스트를 둘이 처리하면 한 주문의 단계가 뒤바뀐다. 그룹의 두 멤버는 키가 한 파티션에 있으므로 뒤바뀌지 않는다',
      inOrder.list > 0 && inOrder.topic === 0,
      `list ${inOrder.list}, topic ${inOrder.topic} of ${ORDERS} orders`,
    ),
    claim(
      'What was read from a list is gone; a topic is read again from its beginning',
      '리스트에서 읽은 것은 사라지고, 토픽은 처음부터 다시 읽을 수 있다',
      again.list === 0 && again.topic === EVENTS,
      `list ${again.list}, topic ${again.topic} of ${EVENTS}`,
    ),
    claim(
      'A reader that pops and dies takes the event with it; one that moves it to a list of its own does not, if somebody looks there',
      '꺼내다 죽은 독자는 이벤트를 가져가 버린다. 자기 리스트로 옮겨 두면 남지만, 누군가 거기를 찾아봐야 한다',
      lost.plain && !lost.kept,
      `popped: ${lost.plain ? 'lost' : 'there'}; moved: ${lost.kept ? 'lost' : 'there'}`,
    ),
    claim(
      'A consumer that dies before it commits gets the record again',
      '커밋하기 전에 죽은 컨슈머는 레코드를 다시 받는다',
      redelivered,
      redelivered ? 'read again by the next member' : 'not read again',
    ),
    claim(
      'kill -9 of the server takes all from a Redis without a log, and nothing from one with a log, nor from Kafka',
      '서버를 kill -9 하면 로그 없는 레디스는 전부 잃고, 로그를 켠 레디스와 카프카는 아무것도 잃지 않는다',
      after.plain === 0 && after.logged === EVENTS && after.topic >= EVENTS,
      `Redis ${after.plain}, with a log ${after.logged}, Kafka ${after.topic} of ${EVENTS}`,
    ),
    claim(
      'A list must fit into memory, a topic must not',
      '리스트는 메모리에 들어가야 하고, 토픽은 그렇지 않다',
      backlog.list < MEMORY_MIB && backlog.topic === BACKLOG_MIB,
      `list refused after ${backlog.list} MiB, topic took ${backlog.topic} MiB`,
    ),
  ]
  return {
    claims,
    figures: [
      {
        title: { en: 'Events that each of two readers got', ko: '두 독자가 각각 받은 이벤트' },
        unit: `of ${EVENTS}`,
        bars: [
          bar('list, reader 1', '리스트, 독자 1', list[0]),
          bar('list, reader 2', '리스트, 독자 2', list[1]),
          bar('topic, group 1', '토픽, 그룹 1', topic[0]),
          bar('topic, group 2', '토픽, 그룹 2', topic[1]),
        ],
      },
      {
        title: { en: 'Orders whose steps were done out of order', ko: '단계가 뒤바뀌어 처리된 주문' },
        unit: `of ${ORDERS}`,
        bars: [
          bar('list, two readers', '리스트, 독자 둘', inOrder.list),
          bar('topic, two members', '토픽, 멤버 둘', inOrder.topic),
        ],
      },
      {
        title: { en: 'There after kill -9 of the server', ko: '서버를 kill -9 한 뒤 남은 이벤트' },
        unit: `of ${EVENTS}`,
        bars: [
          bar('Redis as a cache is set up', '캐시로 설정한 레디스', after.plain),
          bar('Redis with a log (everysec)', '로그를 켠 레디스(everysec)', after.logged),
          bar('Kafka', '카프카', Math.min(after.topic, EVENTS)),
        ],
      },
      {
        title: { en: 'Taken while nobody read', ko: '아무도 읽지 않을 때 받아 준 양' },
        unit: 'MiB',
        bars: [
          bar(`list, ${MEMORY_MIB} MiB of memory`, `리스트, 메모리 ${MEMORY_MIB} MiB`, backlog.list),
          bar('topic, on disk', '토픽, 디스크', backlog.topic),
        ],
      },
    ],
    work: {
      'events read from lists': list[0] + list[1],
      'records read': topic[0] + topic[1] + again.topic,
      'MiB taken': backlog.list + backlog.topic,
    },
  }
}

function claim(en: string, ko: string, holds: boolean, because: string): Claim {
  return { text: { en, ko }, holds, because }
}

function bar(en: string, ko: string, value: number): { side: Text; values: number[] } {
  return { side: { en, ko }, values: [value] }
}

function connect(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: 200 } })
  // It is killed on purpose.
  client.on('error', () => undefined)
  return client
}

async function fill(redis: Redis): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, index) => String(index))
  for (let at = 0; at < EVENTS; at += BATCH) await redis.lPush(LIST, events.slice(at, at + BATCH))
}

async function listForTwo(redis: Redis): Promise<readonly [number, number]> {
  await fill(redis)
  const readers = [redis.duplicate(), redis.duplicate()]
  const read = async (reader: Redis): Promise<number> => {
    await reader.connect()
    let count = 0
    while ((await reader.brPop(LIST, 0.5)) !== null) count += 1
    reader.destroy()
    return count
  }
  const [one = 0, other = 0] = await Promise.all(readers.map(read))
  return [one, other]
}

const steps = Array.from({ length: ORDERS * STEPS }, (_, index) => ({
  order: `order-${index % ORDERS}`,
  step: Math.floor(index / ORDERS) + 1,
}))

/** Each step takes its time, some longer than others, as work does. */
async function work(done: string[], event: string): Promise<void> {
  await sleep(Math.random() * STEP_MAX_MS)
  done.push(event)
}

async function listInOrder(redis: Redis): Promise<number> {
  // All steps of an order one after the other, as they come when somebody changes it quickly.
  await redis.lPush(
    LIST,
    byOrder().map(({ order, step }) => `${order} ${step}`),
  )
  const done: string[] = []
  const reader = async (): Promise<void> => {
    const own = redis.duplicate()
    await own.connect()
    for (let event = await own.rPop(LIST); event !== null; event = await own.rPop(LIST)) await work(done, event)
    own.destroy()
  }
  await Promise.all([reader(), reader()])
  return outOfStep(done)
}

async function topicInOrder(servers: Servers): Promise<number> {
  await servers.createTopic('steps', 2)
  const done: string[] = []
  const consumers = [1, 2].map(() => {
    return new Consumer({ groupId: 'steps', clientId: 'lab', bootstrapBrokers: [servers.brokers] })
  })
  const read = async (consumer: Consumer): Promise<void> => {
    const stream = await consumer.consume({ topics: ['steps'], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    void (async () => {
      for await (const message of stream) await work(done, String(message.value))
    })().catch(() => undefined)
  }
  try {
    for (const consumer of consumers) await read(consumer)
    await using offsets = new Offsets(servers.brokers)
    await until(
      'both have a partition',
      async () => (await offsets.members('steps', 'steps')).filter((own) => own.length === 1).length === 2,
    )
    // Who has just joined looks up where to begin, and would read again what is written meanwhile.
    await sleep(SETTLE_MS)
    await writeSteps(servers.brokers)
    await until('all steps are done', () => done.length >= steps.length)
    return outOfStep(done)
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)))
  }
}

async function writeSteps(brokers: string): Promise<void> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const messages = byOrder().map(({ order, step }) => {
      const key = Buffer.from(order)
      return { topic: 'steps', key, partition: keyToPartition(key) % 2, value: Buffer.from(`${order} ${step}`) }
    })
    await producer.send({ messages, acks: -1 })
  } finally {
    await producer.close()
  }
}

function byOrder(): typeof steps {
  return steps.toSorted((one, other) => one.order.localeCompare(other.order) || one.step - other.step)
}

/** Orders of which a later step was done before an earlier one. */
function outOfStep(done: readonly string[]): number {
  const last = new Map<string, number>()
  const out = new Set<string>()
  for (const event of done) {
    const [order = '', step = ''] = event.split(' ')
    if (Number(step) < (last.get(order) ?? 0)) out.add(order)
    last.set(order, Number(step))
  }
  return out.size
}

async function topicForTwo(brokers: string): Promise<readonly [number, number]> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const events = Array.from({ length: EVENTS }, (_, index) => ({ topic: TOPIC, value: Buffer.from(String(index)) }))
    for (let at = 0; at < EVENTS; at += BATCH) {
      await producer.send({
        messages: events.slice(at, at + BATCH).map((event) => ({ ...event, partition: 0 })),
        acks: -1,
      })
    }
  } finally {
    await producer.close()
  }
  const [one = [], other = []] = await Promise.all(['one', 'other'].map((group) => readTopic(brokers, group)))
  return [one.length, other.length]
}

/** All that is there, as a group that has committed nothing yet. */
async function readTopic(brokers: string, group: string): Promise<string[]> {
  const consumer = new Consumer({ groupId: group, clientId: 'lab', bootstrapBrokers: [brokers] })
  const read: string[] = []
  try {
    const stream = await consumer.consume({ topics: [TOPIC], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    stream.on('data', (message: Message) => read.push(String(message.value)))
    await until('everything is read', () => read.length >= EVENTS)
    return read
  } finally {
    await consumer.close(true)
  }
}

/** Whether an event is gone whose reader died after it took it. `kept`: by a move into a list of its own. */
async function dieHolding(redis: Redis, way: 'plain' | 'kept'): Promise<boolean> {
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
async function dieReading(brokers: string): Promise<boolean> {
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

async function killServers(servers: Servers, redis: Redis): Promise<Found['after']> {
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
  await fill(redis)
  await crash('redis')
  const plain = await leftIn()

  await redis.configSet({ appendonly: 'yes', appendfsync: 'everysec' })
  await fill(redis)
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

/** MiB that a list takes until Redis says that it has no room; what is there stays, since a queue may not lose what it took. */
async function fillList(redis: Redis): Promise<number> {
  await redis.configSet({ maxmemory: `${MEMORY_MIB}mb`, 'maxmemory-policy': 'noeviction' })
  const event = 'x'.repeat(LARGE_BYTES)
  let taken = 0
  try {
    for (; taken < (BACKLOG_MIB * 2 ** 20) / LARGE_BYTES; taken += 10)
      await redis.lPush(
        LIST,
        Array.from({ length: 10 }, () => event),
      )
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('OOM'))) throw error
  }
  return Math.floor(((await redis.lLen(LIST)) * LARGE_BYTES) / 2 ** 20)
}

async function fillTopic(servers: Servers): Promise<number> {
  await servers.createTopic('backlog', 1)
  const event = Buffer.alloc(LARGE_BYTES, 'x')
  const wanted = Math.ceil((BACKLOG_MIB * 2 ** 20) / LARGE_BYTES)
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [servers.brokers] })
  try {
    for (let at = 0; at < wanted; at += 8) {
      const messages = Array.from({ length: Math.min(8, wanted - at) }, () => ({
        topic: 'backlog',
        partition: 0,
        value: event,
      }))
      await producer.send({ messages, acks: -1 })
    }
  } finally {
    await producer.close()
  }
  await using offsets = new Offsets(servers.brokers)
  return Math.floor(((await offsets.count('backlog')) * LARGE_BYTES) / 2 ** 20)
}
