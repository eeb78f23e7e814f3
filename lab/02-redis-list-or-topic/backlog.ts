import { randomBytes } from 'node:crypto'
import { Consumer, Producer } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import { diskBytesOf, dropFromCache } from '../framework/page-cache.ts'
import { segmentsOf } from '../framework/segments.ts'
import type { Servers } from '../framework/servers.ts'
import type { Redis } from './redis-connection.ts'
import { LIST } from './two-readers.ts'

/** That of Redis, as in the shop (local/infrastructure/redis.ts), and of a broker's heap (local/infrastructure/kafka.ts). */
export const MEMORY_MIB = 256
/** What both are to take while nobody reads. */
export const BACKLOG_MIB = 2 * MEMORY_MIB
const LARGE_BYTES = 100 * 1024
export const BACKLOG_EVENTS = Math.ceil((BACKLOG_MIB * 2 ** 20) / LARGE_BYTES)
/** Less than the 1 MiB that a broker takes in one batch. */
const BATCH = 8
const READ_WITHIN_MS = 60_000

/** Events of 100 KiB. */
export interface Kept {
  /** Confirmed. */
  readonly taken: number
  /** Those that came back afterwards, whole and in their order. */
  readonly readBack: number
}

export interface Backlog {
  readonly list: Kept
  readonly topic: Kept
  /** Of what was read back from the topic: how much came from the disk, from 0 to 1. Undefined where that cannot be told. */
  readonly fromDisk: number | undefined
}

/** What a list takes until Redis says that it has no room; what is there stays, since a queue may not lose what it took. */
export async function listWithoutReaders(redis: Redis): Promise<Kept> {
  await redis.configSet({ maxmemory: `${MEMORY_MIB}mb`, 'maxmemory-policy': 'noeviction' })
  let taken = 0
  try {
    while (taken < BACKLOG_EVENTS) taken = await redis.lPush(LIST, batchFrom(taken))
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('OOM'))) throw error
  }
  let readBack = 0
  for (let events = await redis.rPopCount(LIST, BATCH); events; events = await redis.rPopCount(LIST, BATCH))
    for (const event of events) if (event === eventOf(readBack)) readBack += 1
  return { taken, readBack }
}

/** What a topic takes of as much, and what it has of it when none of it is in memory any more, as far as that can be had. */
export async function topicWithoutReaders(servers: Servers, topic: string): Promise<Omit<Backlog, 'list'>> {
  await servers.createTopic(topic, 1)
  const taken = await fill(servers.brokers, topic)
  const dropped = await dropFromCache(await segmentsOf(servers.brokers, topic))
  const { pid } = servers.part('kafka-1')
  const before = await diskBytesOf(pid)
  const readBack = await within(READ_WITHIN_MS, readInOrder(servers.brokers, topic, taken), () => {
    return new Error(`Not read within ${READ_WITHIN_MS} ms`)
  })
  const after = await diskBytesOf(pid)
  const isTold = dropped && before !== undefined && after !== undefined
  return { topic: { taken, readBack }, fromDisk: isTold ? (after - before) / (taken * LARGE_BYTES) : undefined }
}

async function fill(brokers: string, topic: string): Promise<number> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: [brokers] })
  let taken = 0
  try {
    while (taken < BACKLOG_EVENTS) {
      const messages = batchFrom(taken).map((event) => ({ topic, partition: 0, value: Buffer.from(event) }))
      await producer.send({ messages, acks: -1 })
      taken += messages.length
    }
    return taken
  } finally {
    await producer.close()
  }
}

/** Of so many records those that are there, whole and in their order. */
async function readInOrder(brokers: string, topic: string, records: number): Promise<number> {
  const consumer = new Consumer({ groupId: topic, clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
    let [seen, readBack] = [0, 0]
    for await (const { value } of stream) {
      if (String(value) === eventOf(readBack)) readBack += 1
      seen += 1
      if (seen === records) break
    }
    return readBack
  } finally {
    await consumer.close(true)
  }
}

function batchFrom(first: number): string[] {
  return Array.from({ length: Math.min(BATCH, BACKLOG_EVENTS - first) }, (_, index) => eventOf(first + index))
}

/** Letters that no file system makes much smaller: what comes from the disk is counted as it lies there. */
const NOISE = randomBytes(3 * 2 ** 20).toString('base64')

/** Each of its own, so that none can stand for another. */
function eventOf(index: number): string {
  const name = `${index} `
  const at = (index * LARGE_BYTES) % (NOISE.length - LARGE_BYTES)
  return name + NOISE.slice(at, at + LARGE_BYTES - name.length)
}

/** Of so many events. */
export function mebibytes(events: number): number {
  return Math.floor((events * LARGE_BYTES) / 2 ** 20)
}
