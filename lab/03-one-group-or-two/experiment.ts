import { keyToPartition } from '@timesale/kafka/partition'
import { Offsets } from '@timesale/testkit/offsets'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { claimsOf, figuresOf, type Run } from './findings.ts'
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
  async run({ say, repeats }): Promise<Outcome> {
    say('starting Kafka')
    await using servers = await startServers({ kafka: 1 })
    await using offsets = new Offsets(servers.brokers)
    const runs: Run[] = []
    let written = 0
    for (let run = 1; run <= repeats; run += 1) {
      const told = async (what: string, groups: Groups, addressOf: AddressOf): Promise<Map<string, GroupRead>> => {
        const topic = `${what}-${run}`
        await servers.createTopic(topic, PARTITIONS)
        const read = await readAll(servers.brokers, topic, groups, () => write(servers.brokers, topic, addressOf))
        written += await offsets.count(topic)
        return read
      }
      const of = `run ${run} of ${repeats}`
      say(
        `${of}: ${RECORDS} records, ${STEPS} steps of each of ${KEYS} orders: for a group of two, and another of one beside it`,
      )
      const together = await told('shared', { 'group-a': 2, 'group-b': 1 }, byKey)
      say(`${of}: the same for a group of six on ${PARTITIONS} partitions`)
      const crowd = await told('crowded', { 'group-of-six': 6 }, byKey)
      say(`${of}: the same without a key: the client then takes the partitions in turns`)
      const keyless = await told('keyless', { 'group-of-one': 1 }, () => ({}))
      runs.push(runOf(together, crowd, keyless))
    }
    const read = runs.flatMap(({ first, second, other, six, mixed }) => [first, second, other, ...six, mixed])
    return {
      claims: claimsOf(runs),
      figures: figuresOf(runs),
      work: [
        { what: { en: 'records written', ko: '쓴 레코드' }, count: written },
        { what: { en: 'records read', ko: '읽은 레코드' }, count: read.flat().length },
      ],
    }
  },
}

function byKey(order: string): ReturnType<AddressOf> {
  const key = Buffer.from(order)
  return { key, partition: keyToPartition(key) % PARTITIONS }
}

type Read = ReadonlyMap<string, GroupRead>

function runOf(together: Read, crowd: Read, keyless: Read): Run {
  const groupA = together.get('group-a')
  const [first = [], second = []] = groupA?.members ?? []
  return {
    ...{ first, second, together: groupA?.arrived ?? [] },
    other: together.get('group-b')?.arrived ?? [],
    six: crowd.get('group-of-six')?.members ?? [],
    mixed: keyless.get('group-of-one')?.arrived ?? [],
  }
}
