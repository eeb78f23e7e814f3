import { ShopChanged } from '@timesale/contracts/seller-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { isEvent } from '@timesale/kafka/decode'
import { replaceMembers, type ShopMembers } from '../db/shop-members.ts'

export const PRODUCT_USES = [ShopChanged] as const

// Whole states, so of each shop the last one in the batch.
export const applyToShopMembers: Apply = async (tx, events) => {
  const shops = new Map<string, ShopMembers>()
  for (const event of events) {
    if (!isEvent(event, ShopChanged)) continue
    const { shopId, members } = event.data
    shops.set(shopId, { shopId, accountIds: members.map(({ accountId }) => accountId) })
  }
  await replaceMembers(tx, [...shops.values()])
  return []
}
