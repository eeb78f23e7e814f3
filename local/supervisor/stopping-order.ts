import type { Part } from '../part.ts'

// Services first, while all they flush to is there. PostgreSQL last: it holds the truth.
const order: readonly Part['kind'][] = ['service', 'broker', 'cache', 'database']

/** What is ended together, in the order in which it is ended. */
export function inStoppingOrder<Item>(items: readonly Item[], kindOf: (item: Item) => Part['kind']): Item[][] {
  return order.map((kind) => items.filter((item) => kindOf(item) === kind)).filter((group) => group.length > 0)
}
