import { told, type ShopAccount } from './accounts.ts'
import type { Look } from './books.ts'

/** What the seller database says of shops and their members. */
export async function readShops(look: Look): Promise<Map<string, ShopAccount>> {
  const members = Map.groupBy(
    await look.rows<[string, string, string]>('select shop_id, account_id, role from shop_members'),
    ([shopId]) => shopId,
  )
  const rows = await look.rows<[string, string, number]>('select shop_id, name, version from shops')
  return new Map(
    rows.map(([shopId, name, version]) => {
      const who = (members.get(shopId) ?? []).map(([, accountId, role]) => `${accountId} ${role}`)
      return [shopId, { ...told(version), name, members: who.toSorted().join(', ') }]
    }),
  )
}
