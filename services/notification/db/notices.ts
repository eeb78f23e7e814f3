import type { Notice } from '@timesale/contracts/notification-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { NewNotice } from '../notice.ts'

// No ON CONFLICT: the inbox lets each event through once, and a second notice would be a bug that must show.
export async function insertNotices(tx: Tx, notices: readonly NewNotice[]): Promise<void> {
  if (notices.length === 0) return
  await tx`
    insert into notices (order_id, kind, buyer_id, at)
    select * from unnest(
      ${notices.map((notice) => notice.orderId)}::text[],
      ${notices.map((notice) => notice.kind)}::text[],
      ${notices.map((notice) => notice.buyerId)}::text[],
      ${notices.map((notice) => notice.at)}::timestamptz[])`
}

/** Oldest first; those of one buyer alone, or of everybody where `buyerId` is undefined. */
export async function findNotices(sql: Sql, orderId: string, buyerId: string | undefined): Promise<Notice[]> {
  const rows = await sql<{ kind: Notice['kind']; at: Date }>`
    select kind, at from notices
    where order_id = ${orderId} and (${buyerId ?? null}::text is null or buyer_id = ${buyerId ?? null})
    order by at, kind`
  return rows.map(({ kind, at }) => ({ orderId, kind, at: at.toISOString() }))
}
