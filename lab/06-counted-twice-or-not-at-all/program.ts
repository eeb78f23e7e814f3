import { Consumer, type Message } from '@platformatic/kafka'
import { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'

// Counts the records of a topic in a database, each in a transaction of its own, and commits its offset after every so many.
// It goes on where its group stands, until it has counted the last record, or is killed.

/** What is done first with a batch, and what is remembered of it. Also the name of its group. */
export type Way = 'work-then-offset' | 'offset-then-work' | 'inbox'

/** What it is started with. */
export interface Given {
  readonly way: Way
  /** Of which repeat; each has a group of its own, and counts from nothing. */
  readonly run: number
  readonly topic: string
  /** How many are on the topic, which has one partition. */
  readonly records: number
  readonly brokers: string
  readonly postgresUrl: string
}

/** After each record. */
export interface Told {
  readonly offset: number
}

/** Records for each commit of an offset. */
const BATCH = 50

const { way, run, topic, records, brokers, postgresUrl } = JSON.parse(process.argv[2] ?? '{}') as Given
process.on('disconnect', () => process.exit(1))
const db = new Database({ url: postgresUrl, poolSize: 1, applicationName: way })
const consumer = new Consumer({
  ...{ clientId: way, groupId: `${way}-${run}`, bootstrapBrokers: brokers.split(',') },
  // Static membership: who comes back under this name has its partition at once, and does not wait until the one that was
  // killed is missed.
  groupInstanceId: 'counter',
  autocommit: false,
})
const stream = await consumer.consume({
  ...{ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false, maxWaitTime: 100 },
})
let batch: Message[] = []
for await (const message of stream) {
  batch.push(message)
  const isLast = Number(message.offset) === records - 1
  if (batch.length < BATCH && !isLast) continue
  await handle(batch)
  batch = []
  if (isLast) break
}
await consumer.close(true)
await db.close()
process.exit(0)

async function handle(batch: readonly Message[]): Promise<void> {
  if (way === 'offset-then-work') await batch.at(-1)?.commit()
  for (const { offset, value } of batch) {
    await db.tx((tx) => count(tx, Number(String(value))))
    const told: Told = { offset: Number(offset) }
    process.send?.(told)
  }
  if (way !== 'offset-then-work') await batch.at(-1)?.commit()
}

async function count(tx: Tx, record: number): Promise<void> {
  if (way === 'inbox' && !(await isNew(tx, record))) {
    await tx`update totals set seen_before = seen_before + 1 where way = ${way} and run = ${run}`
    return
  }
  await Promise.all([
    tx`update totals set total = total + 1 where way = ${way} and run = ${run}`,
    // For the experiment alone: which records the total is made of.
    tx`insert into counted (way, run, record) values (${way}, ${run}, ${record})`,
  ])
}

/** Remembered in the transaction of the work itself: so it is done and remembered, or neither. */
async function isNew(tx: Tx, record: number): Promise<boolean> {
  const inserted = await tx`
    insert into inbox (run, record) values (${run}, ${record}) on conflict do nothing returning record`
  return inserted.length > 0
}
