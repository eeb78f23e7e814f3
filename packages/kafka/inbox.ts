import type { Ordering } from '@timesale/contracts/event'
import { hasSqlState, isUniqueViolation } from '@timesale/postgres/errors'
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
  if (event.version === lastVersion && !isSameBody(last?.hash ?? '', event.hash)) return 'conflict'
  if (event.version <= lastVersion) return 'duplicate'
  return event.version === lastVersion + 1 || event.ordering === 'state' ? 'apply' : 'gap'
}

/** Whether an event has the body that the hash was kept of. What came before hashes were checksums is believed. */
export function isSameBody(kept: string, hash: string): boolean {
  // A SHA-256 cut to 22 letters says nothing about a checksum, and a redelivery is far more likely than a conflict.
  return kept === hash || kept.length === FORMER_HASH_LETTERS
}

const FORMER_HASH_LETTERS = 22

/** Another process moved the same aggregates before us, or they are not where we presumed them: look, and try again. */
export function isInboxRaced(error: unknown): boolean {
  return hasSqlState(error, ALL_MOVED_SQLSTATE) || isUniqueViolation(error, 'inbox_pkey')
}

// Raised by the function all_moved (migrations/).
const ALL_MOVED_SQLSTATE = 'TS001'

/** The positions of these aggregates, locked until the transaction ends; absent where nothing was applied yet. */
export async function lockPositions(
  tx: Tx,
  consumer: string,
  keys: readonly AggregateKey[],
): Promise<Map<string, Position>> {
  // May be a few more than asked for, where an id stands for an order and for a product too.
  const rows = await tx<{ source: string; aggregate_id: string; version: number; hash: string }>`
    select source, aggregate_id, version, hash
    from inbox
    where aggregate_id = any(${[...new Set(keys.map((key) => key.aggregateId))]}::text[])
      and source = any(${[...new Set(keys.map((key) => key.source))]}::text[])
      and consumer = ${consumer}
    order by aggregate_id, source
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
 * Moves aggregates on. Fails (isInboxRaced) where one is no longer where it was seen: an aggregate without a row cannot
 * be locked, so two owners of a partition (one of them paused and overtaken) may both believe to be its first.
 */
export async function movePositions(tx: Tx, consumer: string, moves: readonly Move[]): Promise<void> {
  const fresh = newColumns()
  // Grouped by how many versions they move: mostly one.
  const known = new Map<number, Columns>()
  for (const move of moves) {
    let columns = fresh
    if (move.from !== undefined) {
      const steps = move.to.version - move.from.version
      columns = known.get(steps) ?? newColumns()
      known.set(steps, columns)
    }
    columns.sources.push(move.source)
    columns.aggregateIds.push(move.aggregateId)
    columns.versions.push(move.to.version)
    columns.hashes.push(move.to.hash)
  }
  await Promise.all([
    insertPositions(tx, consumer, fresh),
    ...[...known].map(([steps, columns]) => advancePositions(tx, consumer, steps, columns)),
  ])
}

interface Columns {
  readonly sources: string[]
  readonly aggregateIds: string[]
  readonly versions: number[]
  readonly hashes: string[]
}

function newColumns(): Columns {
  return { sources: [], aggregateIds: [], versions: [], hashes: [] }
}

async function insertPositions(tx: Tx, consumer: string, moves: Columns): Promise<void> {
  if (moves.sources.length === 0) return
  await tx`
    insert into inbox (consumer, source, aggregate_id, version, hash)
    select ${consumer}, * from unnest(
      ${moves.sources}::text[],
      ${moves.aggregateIds}::text[],
      ${moves.versions}::int[],
      ${moves.hashes}::text[])`
}

// An INSERT that always meets its row: so each is found by its key, whatever the planner knows of the table. One that
// meets none was not where we presumed; it is taken back with all the others.
async function advancePositions(tx: Tx, consumer: string, steps: number, moves: Columns): Promise<void> {
  await tx`
    with moved as (
      insert into inbox (consumer, source, aggregate_id, version, hash)
      select ${consumer}, * from unnest(
        ${moves.sources}::text[],
        ${moves.aggregateIds}::text[],
        ${moves.versions}::int[],
        ${moves.hashes}::text[])
      on conflict (aggregate_id, source, consumer) do update
      set version = excluded.version, hash = excluded.hash
      where inbox.version = excluded.version - ${steps}::int
      returning inbox.xmax = 0 as is_new)
    select all_moved(count(*) filter (where not is_new), ${moves.sources.length}) from moved`
}
