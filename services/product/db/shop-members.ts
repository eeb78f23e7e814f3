import type { Sql, Tx } from '@timesale/postgres/sql'

/** Who may change the products of a shop. */
export interface ShopMembers {
  readonly shopId: string
  readonly accountIds: readonly string[]
}

/** Replaces the members of each shop by those that are told now. */
export async function replaceMembers(tx: Tx, shops: readonly ShopMembers[]): Promise<void> {
  if (shops.length === 0) return
  const members = shops.flatMap(({ shopId, accountIds }) => accountIds.map((accountId) => ({ shopId, accountId })))
  await tx`delete from shop_members where shop_id = any(${shops.map(({ shopId }) => shopId)}::text[])`
  await tx`
    insert into shop_members (shop_id, account_id)
    select * from unnest(
      ${members.map(({ shopId }) => shopId)}::text[], ${members.map(({ accountId }) => accountId)}::text[])
    on conflict do nothing`
}

/** Whether a shop is known, and this account is a member of it; undefined means any account. A shop always has one. */
export async function isShopOf(sql: Sql, shopId: string, member: string | undefined): Promise<boolean> {
  const rows = await sql`
    select 1 from shop_members
    where shop_id = ${shopId} and (${member ?? null}::text is null or account_id = ${member ?? null})
    limit 1`
  return rows.length > 0
}
