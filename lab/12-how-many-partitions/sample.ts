import { setTimeout as sleep } from 'node:timers/promises'
import { OrderedProducer } from '@timesale/kafka/producer'
import type { Database } from '@timesale/postgres/database'
import { until } from '@timesale/testkit/until'
import type { Servers } from '../framework/servers.ts'
import type { Crew } from './crew.ts'
import { areDone, clearLedger, glanceAtDone, readLedger, type Worked } from './ledger.ts'
import { keysOf, ORDERS, sendSteps, stepsOf } from './steps.ts'
import { openTopic } from './topic.ts'

/** What came of one number of partitions. */
export interface PartitionsSample {
  /** Steps that are on the topic. */
  readonly sent: number
  readonly worked: Worked
  /** Steps a second: by members that ask somebody else, and by members that do not. */
  readonly asking: readonly number[]
  readonly committing: readonly number[]
  /** From leaving and from joining until every partition is read again. */
  readonly leavingMs: readonly number[]
  readonly joiningMs: readonly number[]
}

export interface Shared {
  readonly servers: Servers
  readonly db: Database
  readonly crew: Crew
  readonly repeats: number
}

/** Of each order. */
const STEPS = 60
const BEGIN_MS = 300
const SAMPLE_MS = { asking: 600, committing: 300 } as const
const LOOK_EVERY_MS = 25
/** Of all steps. Beyond it a member might run out of them while the others are still at work. */
const SAMPLED_PART = 0.7
const DRAINED_WITHIN_MS = 50_000
const TICK_MS = 20
/** With each number of partitions, which makes four rebalancings of each. */
const COME_AND_GO = 2
/** Members hear of a change with their next heartbeat. */
const HEARTBEAT_MS = 1_000

export async function samplePartitions(shared: Shared, partitions: number): Promise<PartitionsSample> {
  const { servers, db, crew } = shared
  const topic = `partitions-${partitions}`
  await openTopic(servers, topic, partitions)
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: servers.brokers.split(',') })
  await sendSteps(producer, stepsOf(topic, 1, STEPS))
  const sent = STEPS * ORDERS

  await crew.join(topic, partitions)
  const asking = await sampleRates(shared, 'asking', sent * SAMPLED_PART)
  const committing = await sampleRates(shared, 'committing', sent * SAMPLED_PART)
  crew.setPace('draining')
  await crew.whileAllRun(until('all steps are done', () => areDone(db, sent), DRAINED_WITHIN_MS))
  const worked = await readLedger(db)
  await clearLedger(db)

  const { leavingMs, joiningMs } = await withTicks(producer, topic, partitions, () => comeAndGo(shared, partitions))
  await crew.leave()
  await clearLedger(db)
  return { sent, worked, asking, committing, leavingMs, joiningMs }
}

/** Steps a second, some times one after the other, and no more than `most` of them in the end. */
async function sampleRates(
  { db, crew, repeats }: Shared,
  pace: 'asking' | 'committing',
  most: number,
): Promise<number[]> {
  crew.setPace(pace)
  await sleep(BEGIN_MS)
  const rates: number[] = []
  for (let left = repeats; left > 0; left -= 1) {
    const began = performance.now()
    const before = await glanceAtDone(db)
    let [ms, done] = [0, 0]
    do {
      await sleep(LOOK_EVERY_MS)
      ms = performance.now() - began
      done = (await glanceAtDone(db)) - before
    } while (ms < SAMPLE_MS[pace] && done < (most - before) / left)
    rates.push((done * 1000) / ms)
  }
  return rates
}

/** Does something while each partition is given a record every 20 ms: so it can be seen who is read. */
export async function withTicks<T>(
  producer: OrderedProducer,
  topic: string,
  partitions: number,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const records = keysOf(partitions).map((key) => ({ topic, key, value: '0', headers: [] }))
  const ticking = (async () => {
    while (!over.signal.aborted) {
      await producer.send(records)
      await sleep(TICK_MS)
    }
  })()
  // Whoever waits for a partition that is given nothing should hear why.
  try {
    return await Promise.race([work(), ticking.then(() => new Promise<never>(() => undefined))])
  } finally {
    over.abort()
    await ticking
  }
}

async function comeAndGo(
  { crew }: Shared,
  partitions: number,
): Promise<Pick<PartitionsSample, 'leavingMs' | 'joiningMs'>> {
  const [leavingMs, joiningMs]: [number[], number[]] = [[], []]
  const topic = `partitions-${partitions}`
  for (let repeat = 0; repeat < COME_AND_GO; repeat += 1) {
    const member = await crew.somebodyAtWork()
    await sleep(someTime(repeat))
    leavingMs.push(await crew.timeUntilRead(partitions, () => member.leave(), member))
    await member.hasLeft()
    await sleep(someTime(repeat))
    joiningMs.push(await crew.timeUntilRead(partitions, () => member.join(topic, topic)))
  }
  return { leavingMs, joiningMs }
}

// The others have just had a heartbeat together, and will have the next one together. Who comes or goes does not know of that: so at all
// times between the two alike.
function someTime(repeat: number): number {
  return ((repeat + Math.random()) * HEARTBEAT_MS) / COME_AND_GO
}
