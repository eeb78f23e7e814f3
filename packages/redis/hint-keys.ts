/** How long stock's last word about a product is believed. */
export const STOCK_WORD_MS = 3_000

/** Names of hints. They carry the installation's id, so that a shop that was wiped never meets its past. */
export function hintKeys(installation: string): {
  order: (orderId: string) => string
  stock: (productId: string) => string
  stockWordMs: number
} {
  return {
    order: (orderId) => `timesale:${installation}:order:${orderId}`,
    stock: (productId) => `timesale:${installation}:stock:${productId}`,
    stockWordMs: STOCK_WORD_MS,
  }
}
