import type { Sql, Tx } from '@timesale/postgres/sql'
import type { RawRecord, ReceivedEvent } from './decode.ts'
import { headerBytes, storeHeader, type StoredHeader } from './headers.ts'
import { keyOf, type AggregateKey } from './inbox.ts'

export interface ParkedMark {
  readonly version: number
  readonly hash: string
  readonly reason: 'gap' | 'handler'
}

/** Mostly not. */
export async function isAnythingParked(tx: Tx, consumer: string): Promise<boolean> {
  const rows = await tx`select 1 from parked_events where consumer = ${consumer} limit 1`
  return rows.length > 0
}

/** What is parked of these aggregates, by aggregate; mostly nothing. */
export async function findParked(
  tx: Tx,
  consumer: string,
  keys: readonly AggregateKey[],
): Promise<Map<string, ParkedMark[]>> {
  const rows = await tx<ParkedMark & { source: string; aggregate_id: string }>`
    select source, aggregate_id, version, hash, reason
    from parked_events
    where consumer = ${consumer}
      and source = any(${[...new Set(keys.map((key) => key.source))]}::text[])
      and aggregate_id = any(${[...new Set(keys.map((key) => key.aggregateId))]}::text[])
    order by version`
  const parked = new Map<string, ParkedMark[]>()
  for (const { source, aggregate_id: aggregateId, ...mark } of rows) {
    const key = keyOf({ source, aggregateId })
    parked.set(key, [...(parked.get(key) ?? []), mark])
  }
  return parked
}

/** Sets an event aside, raw, until its turn comes (`gap`) or somebody has mended its handler (`handler`). */
export async function park(
  tx: Tx,
  consumer: string,
  event: ReceivedEvent,
  why: { reason: 'gap' | 'handler'; error?: string; attempts?: number },
): Promise<void> {
  const { record } = event
  const headers = record.headers.map(([name, value]) => storeHeader(name ?? Buffer.alloc(0), value))
  await tx`
    insert into parked_events (consumer, source, aggregate_id, version, reason, error, attempts,
      topic, partition, "offset", key, headers, value, hash)
    values (${consumer}, ${event.source}, ${event.aggregateId}, ${event.version}, ${why.reason}, ${why.error ?? null},
      ${why.attempts ?? 0}, ${record.topic}, ${record.partition}, ${String(record.offset)}, ${event.aggregateId},
      ${JSON.stringify(headers)}, ${record.value}, ${event.hash})
    on conflict (consumer, source, aggregate_id, version) do update
    set reason = excluded.reason, error = excluded.error, attempts = parked_events.attempts + excluded.attempts`
}

/** Sets a record that was parked aside for good, until a person looks at it. */
export async function shelve(tx: Tx, consumer: string, record: RawRecord, error: string): Promise<void> {
  await tx`
    update parked_events
    set reason = 'handler', error = ${error}
    where consumer = ${consumer} and topic = ${record.topic} and partition = ${record.partition}
      and "offset" = ${String(record.offset)}`
}

/** Forgets what has been applied (or overtaken by a newer state) since it was parked. */
export async function unparkApplied(tx: Tx, consumer: string, keys: readonly AggregateKey[]): Promise<void> {
  if (keys.length === 0) return
  await tx`
    delete from parked_events
    using inbox
    where parked_events.consumer = ${consumer}
      and (parked_events.source, parked_events.aggregate_id) in (
        select * from unnest(${keys.map((key) => key.source)}::text[], ${keys.map((key) => key.aggregateId)}::text[]))
      and inbox.consumer = parked_events.consumer
      and inbox.source = parked_events.source
      and inbox.aggregate_id = parked_events.aggregate_id
      and inbox.version >= parked_events.version`
}

/** Records that waited behind a gap which is now filled, a few at a time, in the order of their versions. */
export async function findResumable(sql: Sql, consumer: string): Promise<RawRecord[]> {
  const rows = await sql<{
    topic: string
    partition: number
    offset: string
    key: string
    headers: string
    value: Buffer | null
  }>`
    select topic, partition, "offset", key, headers, parked_events.value
    from parked_events
    left join lateral (
      select version from inbox
      where inbox.aggregate_id = parked_events.aggregate_id and inbox.source = parked_events.source
        and inbox.consumer = parked_events.consumer
      limit 1) as applied on true
    where consumer = ${consumer}
      and reason = 'gap'
      and parked_events.version <= coalesce(applied.version, 0) + 1
    order by parked_at
    limit 100`
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: BigInt(row.offset),
    timestamp: 0n,
    key: Buffer.from(row.key, 'utf8'),
    value: row.value,
    headers: (JSON.parse(row.headers) as StoredHeader[]).map(headerBytes),
  }))
}
