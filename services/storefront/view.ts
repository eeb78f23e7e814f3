import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import type { OrderStatus } from '@timesale/contracts/order-api'
import { ProductChanged } from '@timesale/contracts/product-events'
import { ShopChanged } from '@timesale/contracts/seller-events'
import { StockAnnounced, StockReleased, StockReserved } from '@timesale/contracts/stock-events'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { saleTerms } from './product-page.ts'
import { searchTerms } from './search-terms.ts'

/**
 * What an event means for the view. Each names the version of its aggregate: the log may hold an event twice (a relay that
 * was killed sends again), and what is not newer than what the view has is passed over.
 */
export type Change = ProductChange | ShopChange | StockChange | HoldChange | OrderChange

/** A product as it is now. Texts are empty where there is none. */
interface ProductChange {
  readonly kind: 'product'
  readonly id: string
  readonly version: number
  /** The beginning of the page, which does not change until the product does (product-page.ts). */
  readonly page: string
  readonly saleId: string
  readonly saleTerms: string
  readonly shopId: string
  /** What it is found by, with line feeds between. */
  readonly terms: string
}

interface ShopChange {
  readonly kind: 'shop'
  readonly id: string
  readonly version: number
  readonly name: string
}

/** So many units were ever put on sale. */
interface StockChange {
  readonly kind: 'stock'
  readonly id: string
  readonly version: number
  readonly units: number
}

/** So many units of a product are set aside or sold for an order now. */
interface HoldChange {
  readonly kind: 'hold'
  /** The order's. */
  readonly id: string
  readonly version: number
  readonly productId: string
  readonly units: number
}

interface OrderChange {
  readonly kind: 'order'
  readonly id: string
  readonly version: number
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  readonly unitPriceMinor: string
  readonly currency: string
  readonly status: OrderStatus
  /** Milliseconds since the epoch. */
  readonly at: string
  readonly saleId: string
}

/** Undefined for events that change no page. */
export function changeOf(event: ReceivedEvent): Change | undefined {
  const { aggregateId: id, version } = event
  if (isEvent(event, ProductChanged)) {
    const { productId, name, priceMinor, currency, shopId = '', sale } = event.data
    const whose = shopId === '' ? {} : { shopId }
    const page = JSON.stringify({ productId, name, priceMinor, currency, ...whose, version }).slice(0, -1)
    const ofSale = { saleId: sale?.saleId ?? '', saleTerms: sale === undefined ? '' : saleTerms(sale) }
    return { kind: 'product', id, version, page, ...ofSale, shopId, terms: searchTerms(name).join('\n') }
  }
  if (isEvent(event, ShopChanged)) return { kind: 'shop', id, version, name: event.data.name }
  if (isEvent(event, StockAnnounced)) return { kind: 'stock', id, version, units: event.data.unitsOnSale }
  if (isEvent(event, StockReserved)) {
    return { kind: 'hold', id, version, productId: event.data.productId, units: event.data.quantity }
  }
  if (isEvent(event, StockReleased)) return { kind: 'hold', id, version, productId: event.data.productId, units: 0 }
  if (isEvent(event, OrderPlaced)) return orderChange(event, 'PLACED', event.data.sale?.saleId)
  if (isEvent(event, OrderConfirmed)) return orderChange(event, 'CONFIRMED')
  if (isEvent(event, OrderRejected)) return orderChange(event, 'REJECTED')
  if (isEvent(event, OrderCancelled)) return orderChange(event, 'CANCELLED')
  return undefined
}

type AboutOrder = Pick<OrderChange, 'buyerId' | 'productId' | 'quantity' | 'currency'> & {
  readonly unitPriceMinor: number
}

function orderChange(event: ReceivedEvent<AboutOrder>, status: OrderStatus, saleId = ''): OrderChange {
  const { buyerId, productId, quantity, unitPriceMinor, currency } = event.data
  const about = { buyerId, productId, quantity, unitPriceMinor: String(unitPriceMinor), currency }
  const { aggregateId: id, version } = event
  return { kind: 'order', id, version, ...about, status, at: String(event.time.getTime()), saleId }
}
