import { Admin } from '@platformatic/kafka'

const LATEST = -1n

/** Offsets of one topic or group, by partition, as an operator sees them. */
export class Offsets implements AsyncDisposable {
  readonly #admin: Admin

  constructor(brokers: string) {
    this.#admin = new Admin({ clientId: 'test-offsets', bootstrapBrokers: [brokers], retries: 2, retryDelay: 200 })
    // A broker that a test has killed is noticed by the next call.
    this.#admin.on('error', () => undefined)
  }

  /** One past the last record. */
  async ends(topic: string): Promise<number[]> {
    const metadata = await this.#admin.metadata({ topics: [topic], forceUpdate: true })
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: LATEST }))
    const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions }] })
    const ends = Array.from({ length: count }, () => 0)
    for (const { partitionIndex, offset } of listed?.partitions ?? []) ends[partitionIndex] = Number(offset)
    return ends
  }

  /** How many records were ever put on a topic (without transactions, each takes one offset). */
  async count(topic: string): Promise<number> {
    return sum(await this.ends(topic))
  }

  /** What a group has committed, 0 where it has not. */
  async committed(group: string, topic: string): Promise<number[]> {
    const count = (await this.ends(topic)).length
    const partitionIndexes = Array.from({ length: count }, (_, index) => index)
    const [listed] = await this.#admin.listConsumerGroupOffsets({
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }],
    })
    const committed = partitionIndexes.map(() => 0)
    for (const { partitionIndex, committedOffset } of listed?.topics[0]?.partitions ?? []) {
      committed[partitionIndex] = Math.max(0, Number(committedOffset))
    }
    return committed
  }

  /** Records that a group has not finished. */
  async lag(group: string, topic: string): Promise<number> {
    return sum(await this.ends(topic)) - sum(await this.committed(group, topic))
  }

  /** Members of a group, each with the partitions of a topic that it holds. */
  async members(group: string, topic: string): Promise<number[][]> {
    const groups = await this.#admin.describeGroups({ groups: [group] })
    return [...(groups.get(group)?.members.values() ?? [])].map((member) => [
      ...(member.assignments?.get(topic)?.partitions ?? []),
    ])
  }

  /** Forgets a group without members and all it has committed: its next start reads everything again. */
  async forget(group: string): Promise<void> {
    await this.#admin.deleteGroups({ groups: [group] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close()
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}
