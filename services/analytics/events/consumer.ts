import { EVENTS } from '@timesale/contracts/catalogue'
import type { Apply } from '@timesale/kafka/apply-batch'
import { addSales } from '../db/sales.ts'
import { sumUp } from '../sales.ts'

/** Counts all of them; sells only what is confirmed. */
export const ANALYTICS_USES = EVENTS

export const applyToSales: Apply = async (tx, events) => {
  await addSales(tx, sumUp(events))
  return []
}
