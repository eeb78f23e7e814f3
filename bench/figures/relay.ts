import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { PARTITIONS, topicSpecs } from '@timesale/contracts/topics'
import { appendToOutbox } from '@timesale/kafka/outbox'
import { kafkaTool } from '@timesale/local/infrastructure/kafka'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { nextTraceparent } from '@timesale/telemetry/trace'
import { track } from '../cleanup.ts'
import { expectCounts, WorkMissing } from '../counted.ts'
import { cpuUs } from '../cpu-time.ts'
import { watchDrain } from '../drain.ts'
import { orderId, orderIdPrefix, productId } from '../generator/order-request.ts'
import { producerRate } from '../producer-rate.ts'
import { measureRounds, type Progress, type Samples, type Side } from '../measure.ts'
import { pauseRelay } from '../relay-pause.ts'
import { adminUrlOf, outboxIsEmpty, startService } from '../service.ts'

const TOPIC = 'order-topic'
const PERF_TOPIC = 'bench-perf'
/** What the order service writes at once under load. */
const FLUSH = 128
const LANES = 4
const LOOK_EVERY_MS = 10
const WITHIN_MS = 240_000
// Lengths, attributes, timestamp and offset deltas of a record without key and headers, and its share of a batch's head.
const RECORD_OVERHEAD_BYTES = 11
const BYTES_MAY_DIFFER = 0.03

/** How fast an outbox that is full reaches the broker, next to Kafka's own producer with as many bytes a record. */
export async function measureRelay(
  asked: ReadonlySet<string>,
  rounds: number,
  records: number,
  progress: Progress,
): Promise<Samples> {
  progress.say('starting PostgreSQL, Kafka and Redis')
  await using servers = await track(startInfrastructure({ databases: ['order'], kafka: true, redis: true }))
  const bench = new RelayBench(servers, records, progress)
  await bench.makePerfTopic()
  const sides: readonly Side[] = [
    { name: 'relay', run: () => bench.sampleRelay() },
    { name: 'producer-performance', run: () => bench.sampleProducerPerformance() },
  ]
  return await measureRounds(
    sides.filter(({ name }) => asked.has(name)),
    rounds,
    progress,
  )
}

class RelayBench {
  readonly #servers: Infrastructure
  readonly #records: number
  readonly #progress: Progress
  /** Bytes on disk of one record of the relay, known after its first sample. */
  #recordBytes = Number.NaN

  constructor(servers: Infrastructure, records: number, progress: Progress) {
    this.#servers = servers
    this.#records = records
    this.#progress = progress
  }

  /** With the settings of the shop's own topics. */
  async makePerfTopic(): Promise<void> {
    const configs = topicSpecs({ playground: false }).find(({ name }) => name === TOPIC)?.configs ?? {}
    await withAdmin(this.#servers.brokers, (admin) =>
      admin.createTopics({
        topics: [PERF_TOPIC],
        partitions: PARTITIONS,
        replicas: 1,
        configs: Object.entries({ ...configs, 'min.insync.replicas': '1' }).map(([name, value]) => ({ name, value })),
      }),
    )
  }

  /** The outbox is filled while the relay is paused; the clock runs from the first record on the topic to the last. */
  async sampleRelay(): Promise<number> {
    const { brokers } = this.#servers
    await using offsets = new Offsets(brokers)
    const before = { records: await offsets.count(TOPIC), bytes: await bytesOnDisk(brokers, TOPIC) }
    await using pause = await track(pauseRelay(adminUrlOf(this.#servers, 'order')))
    await this.#fillOutbox()
    await using service = await startService(this.#servers, 'order')
    const cpuBefore = cpuUs(service.pid)
    await pause[Symbol.asyncDispose]()
    const perSecond = await watchDrain('relay', {
      total: this.#records,
      done: async () => (await offsets.count(TOPIC)) - before.records,
      everyMs: LOOK_EVERY_MS,
      withinMs: WITHIN_MS,
    })
    await until('the outbox is empty', () => outboxIsEmpty(this.#servers, 'order'))
    const us = (cpuUs(service.pid) - cpuBefore) / this.#records
    expectCounts('relay', { 'records on order-topic': [(await offsets.count(TOPIC)) - before.records, this.#records] })
    this.#recordBytes = ((await bytesOnDisk(brokers, TOPIC)) - before.bytes) / this.#records
    this.#progress.say(
      `relay: ${us.toFixed(1)} us of CPU a record in the service, ${this.#recordBytes.toFixed(0)} bytes on disk`,
    )
    return perSecond
  }

  async sampleProducerPerformance(): Promise<number> {
    const { brokers } = this.#servers
    await using offsets = new Offsets(brokers)
    const before = { records: await offsets.count(PERF_TOPIC), bytes: await bytesOnDisk(brokers, PERF_TOPIC) }
    const { file, args } = await kafkaTool('producer-perf', [
      ...['--bootstrap-server', brokers, '--topic', PERF_TOPIC, '--num-records', String(this.#records)],
      ...['--record-size', String(Math.round(this.#recordBytes) - RECORD_OVERHEAD_BYTES), '--throughput', '-1'],
      // One flag with all values: of a flag that is repeated only the last one counts.
      ...['--command-property', 'enable.idempotence=true', 'acks=all'],
    ])
    const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 1 << 24 })
    expectCounts('producer-performance', {
      'records on its topic': [(await offsets.count(PERF_TOPIC)) - before.records, this.#records],
    })
    const bytes = ((await bytesOnDisk(brokers, PERF_TOPIC)) - before.bytes) / this.#records
    if (Math.abs(bytes / this.#recordBytes - 1) > BYTES_MAY_DIFFER)
      throw new WorkMissing(`producer-performance wrote ${bytes} bytes a record, the relay ${this.#recordBytes}`)
    return producerRate(stdout)
  }

  async #fillOutbox(): Promise<void> {
    const db = this.#servers.admin('order')
    const prefix = orderIdPrefix()
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < this.#records) {
        const from = next
        next = Math.min(next + FLUSH, this.#records)
        const facts = Array.from({ length: next - from }, (_, index) =>
          orderPlaced(orderId(prefix, from + index), from + index),
        )
        await db.tx((tx) => appendToOutbox(tx, facts, { at: new Date() }))
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    await db.sql`checkpoint`
  }
}

function orderPlaced(id: string, number: number) {
  const about = { buyerId: 'buyer-0001', quantity: 1, unitPriceMinor: 12_900, currency: 'KRW' }
  const data = { orderId: id, productId: productId(number % 1_000), ...about }
  return fact(OrderPlaced, { aggregateId: id, version: 1, data, traceparent: nextTraceparent(undefined) })
}

async function bytesOnDisk(brokers: string, topic: string): Promise<number> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const described = await withAdmin(brokers, (admin) =>
    admin.describeLogDirs({ topics: [{ name: topic, partitions }] }),
  )
  const sizes = described.flatMap(({ results }) =>
    results.flatMap(({ topics }) => topics.flatMap((one) => one.partitions)),
  )
  return sizes.reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0)
}

async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [brokers], retries: 2, retryDelay: 200 })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}
