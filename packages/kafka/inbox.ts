import type { Ordering } from '@timesale/contracts/event'
import type { Tx } from '@timesale/postgres/sql'

/** The last version of an aggregate that was applied. */
export interface Position {
  readonly version: number
  readonly hash: string
}

/** One stream of versions: an aggregate of a source. */
export interface AggregateKey {
  readonly source: string
  readonly aggregateId: string
}

export function keyOf({ source, aggregateId }: AggregateKey): string {
  return `${source} ${aggregateId}`
}

/**
 * What becomes of an event, given the last one applied. `duplicate`: seen; `conflict`: the same id with another body;
 * `apply`: its turn (any newer version of a state aggregate); `gap`: ahead of its turn.
 */
export function judge(
  last: Position | undefined,
  event: { readonly version: number; readonly hash: string; readonly ordering: Ordering },
): 'apply' | 'duplicate' | 'conflict' | 'gap' {
  const lastVersion = last?.version ?? 0
  if (event.version === lastVersion && event.hash !== last?.hash) return 'conflict'
  if (event.version <= lastVersion) return 'duplicate'
  return event.version === lastVersion + 1 || event.ordering === 'state' ? 'apply' : 'gap'
}

/** Another process moved the same aggregates between our look and our write: look again. */
export class InboxRaced extends Error {
  override readonly name = 'InboxRaced'
}

/** The positions of these aggregates, locked until the transaction ends; absent where nothing was applied yet. */
export async function lockPositions(
  tx: Tx,
  consumer: string,
  keys: readonly AggregateKey[],
): Promise<Map<string, Position>> {
  const rows = await tx<{ source: string; aggregate_id: string; version: number; hash: string }>`
    select source, aggregate_id, version, hash
    from inbox
    where consumer = ${consumer}
      and (source, aggregate_id) in (
        select * from unnest(${keys.map((key) => key.source)}::text[], ${keys.map((key) => key.aggregateId)}::text[]))
    order by source, aggregate_id
    for update`
  return new Map(
    rows.map((row) => [
      keyOf({ source: row.source, aggregateId: row.aggregate_id }),
      { version: row.version, hash: row.hash },
    ]),
  )
}

export interface Move extends AggregateKey {
  readonly from: Position | undefined
  readonly to: Position
}

/**
 * Moves aggregates on. Throws InboxRaced where one is no longer where it was seen: an aggregate without a row cannot
 * be locked, so two owners of a partition (one of them paused and overtaken) may both believe to be its first.
 */
export async function movePositions(tx: Tx, consumer: string, moves: readonly Move[]): Promise<void> {
  const fresh = moves.filter((move) => move.from === undefined)
  const known = moves.filter((move) => move.from !== undefined)
  if (fresh.length > 0) {
    const inserted = await tx`
      insert into inbox (consumer, source, aggregate_id, version, hash)
      select ${consumer}, * from unnest(
        ${fresh.map((move) => move.source)}::text[],
        ${fresh.map((move) => move.aggregateId)}::text[],
        ${fresh.map((move) => move.to.version)}::int[],
        ${fresh.map((move) => move.to.hash)}::text[])
      on conflict do nothing
      returning 1`
    if (inserted.length !== fresh.length) throw new InboxRaced('An aggregate was begun by another process')
  }
  if (known.length > 0) {
    const updated = await tx`
      update inbox
      set version = move.version, hash = move.hash
      from unnest(
        ${known.map((move) => move.source)}::text[],
        ${known.map((move) => move.aggregateId)}::text[],
        ${known.map((move) => move.from?.version)}::int[],
        ${known.map((move) => move.to.version)}::int[],
        ${known.map((move) => move.to.hash)}::text[]) as move (source, aggregate_id, seen, version, hash)
      where inbox.consumer = ${consumer}
        and inbox.source = move.source
        and inbox.aggregate_id = move.aggregate_id
        and inbox.version = move.seen
      returning 1`
    if (updated.length !== known.length) throw new InboxRaced('An aggregate was moved on by another process')
  }
}
