import { Admin, type Connection } from '@platformatic/kafka'
import { fetchRecords } from '@timesale/kafka/fetch'
import type { FetchedRecord } from '@timesale/kafka/fetched-record'

export interface ReadSample {
  readonly records: number
  readonly bytes: number
  readonly megabytesPerSecond: number
}

const PARTITION = 0
const FETCH_BYTES = 4 * 1024 * 1024
const FETCH_WAIT_MS = 100
const READ_WITHIN_MS = 60_000

/** Reads one partition from an offset to another, a fetch after the other, as fast as the broker gives it. */
export class RangeReader implements AsyncDisposable {
  readonly #topic: string
  readonly #admin: Admin

  constructor(brokers: string, topic: string) {
    this.#topic = topic
    this.#admin = new Admin({ clientId: 'lab-reader', bootstrapBrokers: brokers.split(','), timeout: 10_000 })
    // The next call hears of it.
    this.#admin.on('error', () => undefined)
  }

  async read(from: bigint, to: bigint): Promise<ReadSample> {
    const connection = await this.#leader()
    const began = performance.now()
    let [records, bytes, offset] = [0, 0, from]
    while (offset < to) {
      if (performance.now() - began > READ_WITHIN_MS) throw new Error(`Not read within ${READ_WITHIN_MS} ms`)
      const positions = [{ topic: this.#topic, partition: PARTITION, offset }]
      const fetched = await fetchRecords(connection, { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES, positions })
      const wanted = fetched.records.slice(0, Number(to - offset))
      assertWithoutGap(wanted, offset)
      for (const { valueLength } of wanted) bytes += valueLength
      records += wanted.length
      offset += BigInt(wanted.length)
    }
    return { records, bytes, megabytesPerSecond: bytes / 1000 / (performance.now() - began) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close()
  }

  async #leader(): Promise<Connection> {
    const metadata = await this.#admin.metadata({ topics: [this.#topic] })
    const node = metadata.topics.get(this.#topic)?.partitions[PARTITION]?.leader ?? -1
    const connection = (await this.#admin.connectToBrokers([node])).get(node)
    if (connection === undefined) throw new Error(`${this.#topic} has no leader`)
    return connection
  }
}

function assertWithoutGap(records: readonly FetchedRecord[], from: bigint): void {
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) throw new Error(`There is nothing at offset ${from}`)
  if (first.offset !== from || last.offset !== from + BigInt(records.length - 1))
    throw new Error(`Records are missing after offset ${from}`)
}
