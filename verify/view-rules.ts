import { setTimeout as sleep } from 'node:timers/promises'
import type { Accounts, OrderAccount, ProductAccount, ReservationAccount } from './accounts.ts'
import type { Storefront } from './books.ts'
import { count, type Rule, type Rulebook } from './finding.ts'

/** So many orders are looked for in the histories of their buyers, spread evenly over all that were accepted. */
const SAMPLE = 300
const PAGE = 100
const ANSWER_MS = 10_000
/** After Redis has died the view is built anew from the topics. */
const BUILT_WITHIN_MS = 120_000
const ASK_EVERY_MS = 100

interface ProductPage {
  readonly productId: string
  readonly name: { readonly ko: string; readonly en: string }
  readonly priceMinor: number
  readonly currency: string
  readonly shopId?: string
  readonly version: number
  readonly stockLeft: number
  readonly sale?: { readonly saleId: string; readonly unitsLeft: number }
}

interface OwnOrder {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  readonly unitPriceMinor: number
  readonly currency: string
  readonly status: string
}

/**
 * Whether what the storefront shows is what the databases say: each product's page, and the orders of buyers. Waits until
 * a view is served that has read all there is. Rejects where the storefront does not answer.
 */
export async function checkView(
  storefront: Storefront,
  accounts: Accounts,
  accepted: readonly string[],
  rules: Rulebook,
): Promise<void> {
  await viewIsBuilt(storefront)
  await checkPages(storefront, accounts, rules.rule('pages'))
  await checkHistories(storefront, accounts.orders, accepted, rules.rule('histories'))
}

interface View {
  readonly served?: { readonly lagRecords?: number }
  readonly building?: object
}

async function viewIsBuilt(storefront: Storefront): Promise<void> {
  const end = performance.now() + BUILT_WITHIN_MS
  for (;;) {
    const { served, building } = await read<View>(storefront, '/view')
    if (served?.lagRecords === 0 && building === undefined) return
    if (performance.now() > end) throw new Error(`The storefront has built no view within ${BUILT_WITHIN_MS / 1000} s`)
    await sleep(ASK_EVERY_MS)
  }
}

async function checkPages(
  storefront: Storefront,
  { products, levels, reservations }: Accounts,
  rule: Rule,
): Promise<void> {
  const taken = takings(reservations.values())
  const shown = new Set<string>()
  const pages = pagesOf<ProductPage>(storefront, `/products?limit=${PAGE}`, 'products')
  for await (const page of pages) {
    const { productId } = page
    shown.add(productId)
    const product = products.get(productId)
    if (product === undefined) {
      rule.broken(`${productId} is shown, and is no product`)
      continue
    }
    const is = partsOf(page)
    const should = wantedOf(productId, product, levels.get(productId)?.available ?? 0, taken)
    for (const [part, value] of Object.entries(should)) {
      const said = is[part as keyof typeof is]
      if (said !== value) rule.broken(`${productId}: ${part} is shown as ${said ?? 'none'}, and is ${value ?? 'none'}`)
    }
  }
  for (const productId of products.keys()) if (!shown.has(productId)) rule.broken(`${productId} is not shown`)
  rule.says(`${count(shown.size)} products`)
}

type Parts = ReturnType<typeof partsOf>

function partsOf({ name, sale, ...page }: ProductPage) {
  return {
    'its stock': page.stockLeft,
    'its version': page.version,
    'its name': `${name.ko}, ${name.en}`,
    'its price': `${page.priceMinor} ${page.currency}`,
    'its shop': page.shopId,
    'its sale': sale?.saleId,
    'what is left of its sale': sale?.unitsLeft,
  }
}

function wantedOf(
  productId: string,
  product: ProductAccount,
  available: number,
  taken: ReadonlyMap<string, number>,
): Parts {
  const saleId = product.sale === undefined ? undefined : String(product.sale['saleId'])
  const units = Number(product.sale?.['units'])
  return {
    'its stock': available,
    'its version': product.version,
    'its name': `${product.nameKo}, ${product.nameEn}`,
    'its price': `${product.priceMinor} ${product.currency}`,
    'its shop': product.shopId,
    'its sale': saleId,
    'what is left of its sale':
      saleId === undefined ? undefined : Math.max(0, units - (taken.get(`${productId} ${saleId}`) ?? 0)),
  }
}

/** Units that reservations hold or have sold, by product and sale. */
function takings(reservations: Iterable<ReservationAccount>): Map<string, number> {
  const taken = new Map<string, number>()
  for (const { productId, quantity, state, sale } of reservations) {
    if (sale === undefined || (state !== 'HELD' && state !== 'COMMITTED')) continue
    const key = `${productId} ${sale.saleId}`
    taken.set(key, (taken.get(key) ?? 0) + quantity)
  }
  return taken
}

async function checkHistories(
  storefront: Storefront,
  orders: ReadonlyMap<string, OrderAccount>,
  accepted: readonly string[],
  rule: Rule,
): Promise<void> {
  const step = Math.max(1, Math.ceil(accepted.length / SAMPLE))
  // One that is not there is lost, which another rule tells.
  const sample = accepted.filter((orderId, index) => index % step === 0 && orders.has(orderId))
  rule.says(`${count(sample.length)} of ${count(accepted.length)} orders`)
  const byBuyer = Map.groupBy(sample, (orderId) => orders.get(orderId)?.buyerId ?? '')
  for (const [buyerId, wanted] of byBuyer) {
    const missing = new Set(wanted)
    const path = `/me/orders?buyerId=${encodeURIComponent(buyerId)}&limit=${PAGE}`
    for await (const shown of pagesOf<OwnOrder>(storefront, path, 'orders', buyerId)) {
      missing.delete(shown.orderId)
      checkShown(buyerId, shown, orders.get(shown.orderId), rule)
    }
    for (const orderId of missing) rule.broken(`order ${orderId} is not shown to ${buyerId}`)
  }
}

function checkShown(buyerId: string, shown: OwnOrder, order: OrderAccount | undefined, rule: Rule): void {
  const { orderId } = shown
  if (order?.buyerId !== buyerId) {
    rule.broken(
      `order ${orderId} is shown to ${buyerId}, and is ${order === undefined ? 'none' : `${order.buyerId}'s`}`,
    )
    return
  }
  const [is, should] = [shown, order].map(describe)
  if (is !== should) rule.broken(`order ${orderId} is shown as ${is}, and is ${should}`)
}

function describe({ quantity, productId, unitPriceMinor, currency, status }: Omit<OwnOrder, 'orderId'>): string {
  return `${status}, ${quantity} of ${productId} at ${unitPriceMinor} ${currency}`
}

/** What is on a page and on those behind it, which `next` leads to. */
async function* pagesOf<Item>(
  storefront: Storefront,
  path: string,
  items: string,
  buyerId?: string,
): AsyncIterable<Item> {
  for (let next: string | undefined = ''; next !== undefined;) {
    const cursor: string = next === '' ? '' : `&cursor=${encodeURIComponent(next)}`
    const page: Record<string, unknown> = await read(storefront, `${path}${cursor}`, buyerId)
    yield* page[items] as Item[]
    next = page['next'] as string | undefined
  }
}

async function read<Body>(storefront: Storefront, path: string, buyerId?: string): Promise<Body> {
  const answer = await fetch(`${storefront.url}${path}`, {
    headers: await storefront.headers(buyerId),
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`The storefront answered ${answer.status} to ${path}: ${text}`)
  return JSON.parse(text) as Body
}
