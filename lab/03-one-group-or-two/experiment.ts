import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, Producer, type Message } from '@platformatic/kafka'
import { keyToPartition } from '@timesale/kafka/partition'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'

const PARTITIONS = 4
// No multiple of the partitions: in turns each order would else meet the same one again and again.
const KEYS = 501
const STEPS = 20
const RECORDS = KEYS * STEPS
const BATCH = 1_000
const SETTLE_MS = 1_500

type PartitionOf = (order: string) => number
/** Members of each group. */
type Groups = Readonly<Record<string, number>>

export const experiment: Experiment = {
  question: {
    en: 'One group or two, more consumers than partitions, a key or none: who reads what, and in which order?',
    ko: '그룹 하나와 둘, 파티션보다 많은 컨슈머, 키가 있을 때와 없을 때: 누가 무엇을 어떤 순서로 읽는가?',
  },
  async run({ say }): Promise<Outcome> {
    say('starting Kafka')
    await using servers = await startServers({ kafka: 1 })
    const { brokers } = servers
    const told = async (topic: string, groups: Groups, partitionOf: PartitionOf): Promise<Map<string, string[][]>> => {
      await servers.createTopic(topic, PARTITIONS)
      return await readAll(brokers, topic, groups, () => write(brokers, topic, partitionOf))
    }
    const byKey: PartitionOf = (order) => keyToPartition(Buffer.from(order)) % PARTITIONS
    say(
      `${RECORDS} records, ${STEPS} steps of each of ${KEYS} orders: for a group of two, and another of one beside it`,
    )
    const together = await told('shared', { 'group-a': 2, 'group-b': 1 }, byKey)
    say(`the same for a group of six on ${PARTITIONS} partitions`)
    const crowd = await told('crowded', { 'group-of-six': 6 }, byKey)
    say('the same without a key: a producer then takes the partitions in turns')
    let turn = 0
    const mixed = await told('keyless', { 'group-of-one': 1 }, () => turn++ % PARTITIONS)

    const [first = [], second = []] = together.get('group-a') ?? []
    const other = (together.get('group-b') ?? []).flat()
    const six = crowd.get('group-of-six') ?? []
    const idle = six.filter((read) => read.length === 0).length
    const inOrder = ordersOutOfStep([...first, ...second])
    const outOfOrder = ordersOutOfStep((mixed.get('group-of-one') ?? []).flat())
    return {
      claims: [
        {
          text: {
            en: 'Members of one group share the records: each is read by one of them, and both have work',
            ko: '한 그룹의 멤버는 레코드를 나눠 읽는다: 레코드마다 한 멤버만 읽고, 둘 다 할 일이 있다',
          },
          holds:
            first.length > 0 &&
            second.length > 0 &&
            distinct([...first, ...second]) === RECORDS &&
            first.length + second.length === RECORDS,
          because: `${first.length} and ${second.length} of ${RECORDS}`,
        },
        {
          text: { en: 'Another group reads all of them again', ko: '다른 그룹은 전부를 다시 읽는다' },
          holds: other.length === RECORDS && distinct(other) === RECORDS,
          because: `${other.length} of ${RECORDS}`,
        },
        {
          text: {
            en: 'Members beyond the number of partitions have nothing to do',
            ko: '파티션 수를 넘는 멤버는 할 일이 없다',
          },
          holds: idle === 6 - PARTITIONS,
          because: `${idle} of 6 members read nothing of ${PARTITIONS} partitions`,
        },
        {
          text: {
            en: 'With a key the steps of an order are read in their order, by several consumers at once',
            ko: '키가 있으면 여러 컨슈머가 동시에 읽어도 한 주문의 단계는 순서대로 읽힌다',
          },
          holds: inOrder === 0,
          because: `${inOrder} of ${KEYS} orders out of order`,
        },
        {
          text: {
            en: 'Without a key they are not, even for a single consumer',
            ko: '키가 없으면 컨슈머가 하나여도 순서가 지켜지지 않는다',
          },
          holds: outOfOrder > KEYS / 10,
          because: `${outOfOrder} of ${KEYS} orders out of order`,
        },
      ],
      figures: [
        {
          title: { en: 'Records read by each member', ko: '멤버마다 읽은 레코드' },
          unit: 'records',
          bars: [
            { side: { en: 'group a, member 1', ko: '그룹 a, 멤버 1' }, values: [first.length] },
            { side: { en: 'group a, member 2', ko: '그룹 a, 멤버 2' }, values: [second.length] },
            { side: { en: 'group b, alone', ko: '그룹 b, 혼자' }, values: [other.length] },
            ...six.map((read, index) => ({
              side: { en: `group of six, member ${index + 1}`, ko: `여섯 명 그룹, 멤버 ${index + 1}` },
              values: [read.length],
            })),
          ],
        },
        {
          title: { en: 'Orders whose steps were read out of order', ko: '단계가 뒤바뀌어 읽힌 주문' },
          unit: `of ${KEYS}`,
          bars: [
            { side: { en: 'with a key', ko: '키 있음' }, values: [inOrder] },
            { side: { en: 'without', ko: '키 없음' }, values: [outOfOrder] },
          ],
        },
      ],
      work: {
        'records written': 2 * RECORDS,
        'records read': first.length + second.length + other.length + six.flat().length,
      },
    }
  },
}

async function write(brokers: string, topic: string, partitionOf: PartitionOf): Promise<void> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: brokers.split(',') })
  try {
    const steps = Array.from({ length: RECORDS }, (_, index) => ({
      order: `order-${index % KEYS}`,
      step: Math.floor(index / KEYS) + 1,
    }))
    for (let at = 0; at < steps.length; at += BATCH) {
      const messages = steps.slice(at, at + BATCH).map(({ order, step }) => ({
        ...{ topic, partition: partitionOf(order) },
        ...{ key: Buffer.from(order), value: Buffer.from(`${order} ${step}`) },
      }))
      await producer.send({ messages, acks: -1 })
    }
  } finally {
    await producer.close()
  }
}

/** Starts so many members of each group, has the records written, and waits until every group has read them. In the order of reading. */
async function readAll(
  brokers: string,
  topic: string,
  groups: Groups,
  written: () => Promise<void>,
): Promise<Map<string, string[][]>> {
  const members = Object.entries(groups).flatMap(([group, count]) =>
    Array.from({ length: count }, () => ({ group, read: [] as string[] })),
  )
  const consumers = members.map(
    ({ group }) => new Consumer({ groupId: group, clientId: 'lab', bootstrapBrokers: brokers.split(',') }),
  )
  try {
    for (const [index, consumer] of consumers.entries()) {
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
      stream.on('data', (message: Message) => members[index]?.read.push(String(message.value)))
    }
    // Whoever came first has everything until the others are in: so nothing is written before they are.
    await settled(brokers, topic, groups)
    // Who has just joined looks up where to begin, and would read again what is written meanwhile.
    await sleep(SETTLE_MS)
    await written()
    await until('every group has read everything', () =>
      Object.keys(groups).every((group) => {
        return distinct(members.filter((member) => member.group === group).flatMap(({ read }) => read)) === RECORDS
      }),
    )
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)))
  }
  const byGroup = Map.groupBy(members, ({ group }) => group)
  return new Map([...byGroup].map(([group, all]) => [group, all.map(({ read }) => read)]))
}

async function settled(brokers: string, topic: string, groups: Groups): Promise<void> {
  await using offsets = new Offsets(brokers)
  for (const [group, count] of Object.entries(groups)) {
    await until(`${group} has its members`, async () => {
      const members = await offsets.members(group, topic)
      return members.length === count && members.flat().length === PARTITIONS
    })
  }
}

function distinct(read: readonly string[]): number {
  return new Set(read).size
}

/** Orders of which a later step was read before an earlier one. */
function ordersOutOfStep(read: readonly string[]): number {
  const last = new Map<string, number>()
  const out = new Set<string>()
  for (const text of read) {
    const [order = '', step = ''] = text.split(' ')
    if (Number(step) < (last.get(order) ?? 0)) out.add(order)
    last.set(order, Number(step))
  }
  return out.size
}
