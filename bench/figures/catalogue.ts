/** What is measured, and what it is to reach. */
export interface Figure {
  readonly name: string
  readonly what: string
  readonly unit: 'orders/s' | 'pages/s' | 'records/s' | 'ms' | 's' | 'MB'
  /** The samples that are its value. */
  readonly side: string
  /** The samples that it is held against; absent for a figure that stands for itself. */
  readonly against?: string
  /** Of the ratio where there is one, which is to be this high; else of the value, which is to be this low. */
  readonly reach: number
  /** What we are after. */
  readonly better: number
}

/** All figures. `reach` is a little under what a prototype of the hot path did on a machine of two cores. */
export const FIGURES = [
  {
    ...{ name: 'accept-64', what: 'POST to 202 after the commit, 64 connections, relay paused', unit: 'orders/s' },
    ...{ side: 'accept-64', against: 'bare-64', reach: 0.57, better: 0.62 },
  },
  {
    ...{ name: 'accept-256', what: 'the same, 256 connections', unit: 'orders/s' },
    ...{ side: 'accept-256', against: 'bare-256', reach: 0.75, better: 0.85 },
  },
  {
    ...{ name: 'accept-relay-64', what: 'accept-64 with the relay sending', unit: 'orders/s' },
    ...{ side: 'accept-relay-64', against: 'bare-64', reach: 0.4, better: 0.56 },
  },
  {
    ...{ name: 'accept-relay-256', what: 'accept-256 with the relay sending', unit: 'orders/s' },
    ...{ side: 'accept-relay-256', against: 'bare-256', reach: 0.52, better: 0.79 },
  },
  {
    ...{ name: 'accept-redis-64', what: 'accept-64 with the look at Redis', unit: 'orders/s' },
    ...{ side: 'accept-redis-64', against: 'bare-64', reach: 0.45, better: 0.51 },
  },
  {
    ...{ name: 'accept-redis-256', what: 'accept-256 with the look at Redis', unit: 'orders/s' },
    ...{ side: 'accept-redis-256', against: 'bare-256', reach: 0.58, better: 0.65 },
  },
  {
    ...{ name: 'accept-batching', what: 'accept-256 against a transaction an order', unit: 'orders/s' },
    ...{ side: 'accept-256', against: 'one-by-one-256', reach: 7, better: 10 },
  },
  {
    ...{ name: 'accept-gateway', what: 'accept-256 by the gateway, with tokens and limits', unit: 'orders/s' },
    ...{ side: 'accept-gateway', against: 'accept-256', reach: 0.45, better: 0.6 },
  },
  {
    ...{ name: 'gateway', what: 'GET by the gateway, token and limit, 64 connections', unit: 'pages/s' },
    ...{ side: 'gateway', against: 'proxy-64', reach: 0.6, better: 0.8 },
  },
  {
    ...{ name: 'storefront-read', what: 'page of a product, 1,000 products, 64 connections', unit: 'pages/s' },
    ...{ side: 'storefront-read', against: 'same-page-64', reach: 0.5, better: 0.65 },
  },
  {
    ...{ name: 'stock-hot', what: 'orders of one product, worked off', unit: 'orders/s' },
    ...{ side: 'stock-hot', against: 'guarded-update', reach: 20, better: 30 },
  },
  {
    ...{ name: 'stock-wide', what: 'orders of 1,000 products, worked off', unit: 'orders/s' },
    ...{ side: 'stock-wide', against: 'stock-hot', reach: 0.78, better: 0.9 },
  },
  {
    ...{ name: 'relay', what: 'outbox to broker', unit: 'records/s' },
    ...{ side: 'relay', against: 'producer-performance', reach: 0.35, better: 1 },
  },
  {
    ...{ name: 'pipeline', what: 'CONFIRMED, all services on, 256 connections', unit: 'orders/s' },
    ...{ side: 'pipeline', against: 'pipeline-bare', reach: 0.18, better: 0.25 },
  },
  {
    ...{ name: 'pipeline-latency', what: 'p99 from POST to CONFIRMED, half of that rate', unit: 'ms' },
    ...{ side: 'pipeline-latency', reach: 300, better: 150 },
  },
  {
    ...{ name: 'memory', what: 'the whole shop just after its start', unit: 'MB' },
    ...{ side: 'memory', reach: 1400, better: 1200 },
  },
  {
    ...{ name: 'warm-start', what: 'npm start until the shop is open, data there', unit: 's' },
    ...{ side: 'warm-start', reach: 8, better: 4 },
  },
  {
    ...{ name: 'first-start', what: 'npm start until the shop is open, no data', unit: 's' },
    ...{ side: 'first-start', reach: 20, better: 12 },
  },
] as const satisfies readonly Figure[]

export type FigureName = (typeof FIGURES)[number]['name']

/** Every side that these figures need. */
export function sidesOf(figures: readonly Figure[]): ReadonlySet<string> {
  return new Set(figures.flatMap(({ side, against }) => (against === undefined ? [side] : [side, against])))
}
