import type { Sale } from '@timesale/contracts/fields'

/** What is stored of a product, as it is stored. */
export interface StoredProduct {
  /** JSON of what only product changes, without its closing brace. */
  readonly page: string
  /** Whole numbers, and '' where nothing is known. */
  readonly announced: string
  readonly held: string
  /** '' where there is no sale. */
  readonly saleTerms: string
  readonly sold: string
}

/** When a sale is and how many units it has, to reckon with, and JSON without its closing brace. */
export function saleTerms(sale: Sale): string {
  const text = JSON.stringify(sale).slice(0, -1)
  return `${Date.parse(sale.startsAt)} ${Date.parse(sale.endsAt)} ${sale.units} ${text}`
}

/** The page of a product at `now` (milliseconds since the epoch) as JSON: `ProductPageView` of contracts/storefront-api.ts. */
export function productPage(stored: StoredProduct, now: number): string {
  // Topics are read at different speeds: an order may be seen before the units that it was given.
  const stockLeft = leftOf(stored.announced, stored.held)
  const sale = stored.saleTerms === '' ? '' : `,"sale":${salePart(stored, now)}`
  return `${stored.page},"stockLeft":${stockLeft}${sale}}`
}

/** Members of the JSON of a page with several products: `products`, `next` where there are more, `asOf`. */
export function pageMembers(
  page: { products: readonly StoredProduct[]; next: string | undefined; asOf: string },
  now: number,
): string {
  const products = page.products.map((product) => productPage(product, now)).join()
  const next = page.next === undefined ? '' : `,"next":${JSON.stringify(page.next)}`
  const asOf = page.asOf === '' ? '' : `,"asOf":"${page.asOf}"`
  return `"products":[${products}]${next}${asOf}`
}

function salePart({ saleTerms: terms, sold }: StoredProduct, now: number): string {
  const [, starts, ends, units, text] = /^(\S*) (\S*) (\S*) (.*)$/s.exec(terms) ?? []
  const [startsAt, endsAt] = [Number(starts), Number(ends)]
  // Half-open: a sale has ended when its end has come.
  const state = now < startsAt ? 'upcoming' : now < endsAt ? 'running' : 'ended'
  const startsInMs = Math.max(0, startsAt - now)
  const endsInMs = Math.max(0, endsAt - now)
  const unitsLeft = leftOf(units ?? '', sold)
  return `${text},"state":"${state}","startsInMs":${startsInMs},"endsInMs":${endsInMs},"unitsLeft":${unitsLeft}}`
}

function leftOf(units: string, taken: string): number {
  return Math.max(0, Number(units) - Number(taken))
}
