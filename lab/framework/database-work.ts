import type { Sql } from '@timesale/postgres/sql'

/** What a PostgreSQL server has written so far, by its own count. */
export interface DatabaseWork {
  /** Transactions that wrote: each has taken a number. Those that only read take none. */
  readonly transactions: number
  /** What went into its log, which is what a commit waits for. */
  readonly logBytes: number
}

export async function readDatabaseWork(sql: Sql): Promise<DatabaseWork> {
  const [row] = await sql<{ transactions: string; log_bytes: string }>`
    select pg_snapshot_xmax(pg_current_snapshot())::text as transactions,
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as log_bytes`
  if (row === undefined) throw new Error('PostgreSQL has told nothing')
  return { transactions: Number(row.transactions), logBytes: Number(row.log_bytes) }
}
