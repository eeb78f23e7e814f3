import type { Source } from '@timesale/contracts/event'
import type { ServiceTrace } from '@timesale/contracts/trace-api'
import type { Sql } from '@timesale/postgres/sql'

/** How far the streams of an aggregate were applied here, by the inbox. */
export async function findApplied(
  sql: Sql,
  aggregateId: string,
  sources: readonly Source[],
): Promise<ServiceTrace['applied']> {
  return await sql<ServiceTrace['applied'][number]>`
    select source, max(version) as version from inbox
    where aggregate_id = ${aggregateId} and source = any(${sources}::text[])
    group by source order by source`
}

/** Events of an aggregate that are set aside here. */
export async function findWaiting(
  sql: Sql,
  aggregateId: string,
  sources: readonly Source[],
): Promise<ServiceTrace['waiting']> {
  const rows = await sql<Omit<ServiceTrace['waiting'][number], 'since'> & { parked_at: Date }>`
    select source, version, topic, partition, "offset"::text as offset, reason, attempts, error, parked_at
    from parked_events
    where aggregate_id = ${aggregateId} and source = any(${sources}::text[])
    order by source, version`
  return rows.map(({ parked_at: parkedAt, ...event }) => ({ ...event, since: parkedAt.toISOString() }))
}
