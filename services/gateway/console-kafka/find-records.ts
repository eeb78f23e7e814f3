import type { Static } from 'typebox'
import type { RecordPage, RecordsQuery, RecordView } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import { placeOf, type Cluster, type PartitionState, type TopicState } from '@timesale/kafka/cluster'
import type { RawRecord } from '@timesale/kafka/decode'
import { FetchedRecord } from '@timesale/kafka/fetched-record'
import { readFrom, searchLog, type Stretch } from '@timesale/kafka/log-search'
import { keyToPartition } from '@timesale/kafka/partition'
import { topicOf } from './describe-topics.ts'
import { invalidField } from './invalid-field.ts'
import { CUT_ALONE_BYTES, CUT_IN_LISTS_BYTES, recordViews } from './record-view.ts'
import { aboutTopic } from './topic-kind.ts'

type Query = Static<typeof RecordsQuery>

const LIMIT = 50
const FETCH_WAIT_MS = 500

const viewInList = recordViews(CUT_IN_LISTS_BYTES)
const viewAlone = recordViews(CUT_ALONE_BYTES)

/** `deadline`: when to stop, by `performance.now()`. */
export async function findRecords(
  cluster: Cluster,
  topic: string,
  query: Query,
  deadline: number,
): Promise<Omit<RecordPage, 'asOf'>> {
  const since = readSince(query)
  if (query.from !== undefined && query.partition === undefined) throw invalidField('from', 'needs partition')
  const partitions = choosePartitions(topicOf(await cluster.state([topic]), topic), query)
  const stretches = await stretchesOf(cluster, partitions, { since, from: query.from })
  const isWanted = matcherOf(query)
  const { found, searched, complete } = await searchLog(
    {
      stretches,
      order: since === undefined && query.from === undefined ? 'newest' : 'oldest',
      limit: query.limit === undefined ? LIMIT : Number(query.limit),
      take: (record): RecordView | undefined => (isWanted(record) ? viewInList(record) : undefined),
      deadline,
    },
    readFrom(cluster),
  )
  // What nobody leads was not looked at either.
  return { records: [...found], searched, complete: complete && stretches.length === partitions.length }
}

/** Throws `record-not-found` with a sentence that says why there is none. */
export async function readRecord(
  cluster: Cluster,
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: bigint },
): Promise<RecordView> {
  const { partitions } = topicOf(await cluster.state([topic]), topic)
  const state = partitions.find((one) => one.partition === partition)
  const missing = (why: string): Refusal => new Refusal('record-not-found', { topic, partition }, why)
  if (state === undefined) throw missing(`${topic} has ${partitions.length} partitions, from 0 on`)
  const place = placeOf(topic, partition)
  const [firsts, ends] = await Promise.all([cluster.offsets([state], 'first'), cluster.offsets([state], 'end')])
  const [first, end] = [firsts.get(place), ends.get(place)]
  if (first === undefined || end === undefined)
    throw new Refusal('upstream-unavailable', { accepted: false }, `No broker leads partition ${partition} now`)
  if (offset >= end) throw missing(`Not written yet: partition ${partition} ends at offset ${end}`)
  if (offset < first) throw missing(`Not kept any more: partition ${partition} begins at offset ${first}`)
  const positions = [{ topic, partition, offset }]
  const { records } = await cluster.fetch(state.leader, { maxWaitMs: FETCH_WAIT_MS, maxBytes: 1, positions })
  const record = records.find((one) => one.offset === offset)
  if (record === undefined)
    throw missing('There is no record at this offset: it was compacted away, or a transaction left its mark there')
  return viewAlone(record)
}

function readSince({ since, from }: Query): Date | undefined {
  if (since === undefined) return undefined
  if (from !== undefined) throw invalidField('since', 'is not for from')
  const at = new Date(since)
  // A leap second, say.
  if (Number.isNaN(at.getTime())) throw invalidField('since', 'is not a time')
  return at
}

function choosePartitions({ topic, partitions }: TopicState, query: Query): readonly PartitionState[] {
  if (query.partition === undefined && query.key !== undefined && isByTheRule(topic)) {
    // One key is in one partition. Into others people write as they like.
    const own = keyToPartition(Buffer.from(query.key)) % partitions.length
    return partitions.filter(({ partition }) => partition === own)
  }
  if (query.partition === undefined) return partitions
  const own = partitions.filter(({ partition }) => partition === Number(query.partition))
  if (own.length === 0) throw invalidField('partition', `must be below ${partitions.length}`)
  return own
}

/** Whether all who write to it choose the partition by the key, as the shop does. */
function isByTheRule(topic: string): boolean {
  return aboutTopic(topic, false).kind === 'shop'
}

async function stretchesOf(
  cluster: Cluster,
  partitions: readonly PartitionState[],
  { since, from }: { since: Date | undefined; from: string | undefined },
): Promise<Stretch[]> {
  const [firsts, ends] = await Promise.all([
    cluster.offsets(partitions, since ?? 'first'),
    cluster.offsets(partitions, 'end'),
  ])
  return partitions.flatMap(({ topic, partition, leader }) => {
    const [first, end] = [firsts.get(placeOf(topic, partition)), ends.get(placeOf(topic, partition))]
    if (first === undefined || end === undefined) return []
    const asked = from === undefined ? first : BigInt(from)
    return [{ topic, partition, leader, from: asked < first ? first : asked < end ? asked : end, to: end }]
  })
}

function matcherOf({ key, text }: Query): (record: RawRecord) => boolean {
  const keyBytes = key === undefined ? undefined : Buffer.from(key)
  const textBytes = text === undefined ? undefined : Buffer.from(text)
  return (record) =>
    (keyBytes === undefined || record.key?.equals(keyBytes) === true) &&
    (textBytes === undefined || holds(record, textBytes))
}

// On bytes, since most records are none of those that are looked for.
function holds(record: RawRecord, text: Buffer): boolean {
  if (record.value?.includes(text) === true) return true
  const { batch, headersAt, end } = FetchedRecord.of(record)
  return batch.bytes.subarray(headersAt, end).includes(text)
}
