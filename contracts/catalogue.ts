import type { EventDefinition } from './event.ts'
import { ORDER_EVENTS } from './order-events.ts'
import { PRODUCT_EVENTS } from './product-events.ts'
import { SELLER_EVENTS } from './seller-events.ts'
import { SETTINGS_EVENTS } from './settings-events.ts'
import { STOCK_EVENTS } from './stock-events.ts'

/** Every event of the shop. */
export const EVENTS: readonly EventDefinition[] = [
  ...ORDER_EVENTS,
  ...STOCK_EVENTS,
  ...PRODUCT_EVENTS,
  ...SELLER_EVENTS,
  ...SETTINGS_EVENTS,
]
