import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Shop, ShopMember } from '../shop.ts'

interface Row {
  shop_id: string
  name: string
  version: number
  members: { accountId: string; role: ShopMember['role'] }[]
}

// `member` is the account whose shops are meant; undefined means all.

export async function findShop(sql: Sql, shopId: string, member: string | undefined): Promise<Shop | undefined> {
  const [row] = await sql<Row>`
    select shop_id, name, version, (
      select json_agg(json_build_object('accountId', account_id, 'role', role) order by account_id collate "C")
      from shop_members where shop_members.shop_id = shops.shop_id) as members
    from shops
    where shop_id = ${shopId} and (${member ?? null}::text is null or exists (
      select 1 from shop_members where shop_members.shop_id = shops.shop_id and account_id = ${member ?? null}))`
  return row === undefined ? undefined : toShop(row)
}

/** Until the transaction ends nobody else changes the shop or its members. */
export async function lockShop(tx: Tx, shopId: string, member: string | undefined): Promise<Shop | undefined> {
  // The members are read by a statement after the lock, which sees what those before us have committed.
  await tx`select 1 from shops where shop_id = ${shopId} for update`
  return await findShop(tx, shopId, member)
}

/** A page in the order of ids, after the one given. */
export async function listShops(
  sql: Sql,
  member: string | undefined,
  page: { after: string; limit: number },
): Promise<Shop[]> {
  const rows =
    member === undefined
      ? await sql<{ shop_id: string }>`
          select shop_id from shops where shop_id > ${page.after} order by shop_id limit ${page.limit}`
      : await sql<{ shop_id: string }>`
          select shop_id from shop_members
          where account_id = ${member} and shop_id > ${page.after}
          order by shop_id
          limit ${page.limit}`
  const shops = await sql<Row>`
    select shop_id, name, version, (
      select json_agg(json_build_object('accountId', account_id, 'role', role) order by account_id collate "C")
      from shop_members where shop_members.shop_id = shops.shop_id) as members
    from shops
    where shop_id = any(${rows.map((row) => row.shop_id)}::text[])
    order by shop_id`
  return shops.map(toShop)
}

/** False where the id is taken. */
export async function insertShop(tx: Tx, shop: Shop): Promise<boolean> {
  const rows = await tx`
    insert into shops (shop_id, name, version) values (${shop.shopId}, ${shop.name}, ${shop.version})
    on conflict do nothing
    returning 1`
  if (rows.length === 0) return false
  await insertMembers(tx, shop)
  return true
}

export async function saveShop(tx: Tx, shop: Shop): Promise<void> {
  await tx`
    update shops set name = ${shop.name}, version = ${shop.version}, changed_at = now() where shop_id = ${shop.shopId}`
  await tx`delete from shop_members where shop_id = ${shop.shopId}`
  await insertMembers(tx, shop)
}

async function insertMembers(tx: Tx, { shopId, members }: Shop): Promise<void> {
  await tx`
    insert into shop_members (shop_id, account_id, role)
    select ${shopId}, * from unnest(
      ${members.map(({ accountId }) => accountId)}::text[], ${members.map(({ role }) => role)}::text[])`
}

function toShop({ shop_id: shopId, name, version, members }: Row): Shop {
  return { shopId, name, members, version }
}
