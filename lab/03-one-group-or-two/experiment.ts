import { keyToPartition } from '@timesale/kafka/partition'
import { Offsets } from '@timesale/testkit/offsets'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { claimsOf, figuresOf, type Found } from './findings.ts'
import {
  KEYS,
  PARTITIONS,
  readAll,
  RECORDS,
  STEPS,
  write,
  type AddressOf,
  type GroupRead,
  type Groups,
} from './reading.ts'

export const experiment: Experiment = {
  question: {
    en: 'One group or two, more consumers than partitions, a key or none: who reads what, and in which order?',
    ko: '그룹 하나와 둘, 파티션보다 많은 컨슈머, 키가 있을 때와 없을 때: 누가 무엇을 어떤 순서로 읽는가?',
  },
  async run({ say }): Promise<Outcome> {
    say('starting Kafka')
    await using servers = await startServers({ kafka: 1 })
    const { brokers } = servers
    await using offsets = new Offsets(brokers)
    let written = 0
    const told = async (topic: string, groups: Groups, addressOf: AddressOf): Promise<Map<string, GroupRead>> => {
      await servers.createTopic(topic, PARTITIONS)
      const read = await readAll(brokers, topic, groups, () => write(brokers, topic, addressOf))
      written += await offsets.count(topic)
      return read
    }
    const byKey: AddressOf = (order) => {
      const key = Buffer.from(order)
      return { key, partition: keyToPartition(key) % PARTITIONS }
    }
    say(
      `${RECORDS} records, ${STEPS} steps of each of ${KEYS} orders: for a group of two, and another of one beside it`,
    )
    const together = await told('shared', { 'group-a': 2, 'group-b': 1 }, byKey)
    say(`the same for a group of six on ${PARTITIONS} partitions`)
    const crowd = await told('crowded', { 'group-of-six': 6 }, byKey)
    say('the same without a key: the client then takes the partitions in turns')
    const keyless = await told('keyless', { 'group-of-one': 1 }, () => ({}))

    const groupA = together.get('group-a')
    const [first = [], second = []] = groupA?.members ?? []
    const found: Found = {
      ...{ first, second, together: groupA?.arrived ?? [] },
      other: together.get('group-b')?.arrived ?? [],
      six: crowd.get('group-of-six')?.members ?? [],
      mixed: keyless.get('group-of-one')?.arrived ?? [],
    }
    return {
      claims: claimsOf(found),
      figures: figuresOf(found),
      work: {
        'records written': written,
        'records read': [first, second, found.other, ...found.six, found.mixed].flat().length,
      },
    }
  },
}
