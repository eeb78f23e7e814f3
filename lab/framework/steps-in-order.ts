/**
 * Of events `order-7 3`, the third step of an order, as they came: orders of which a later step came before an earlier one. Kafka
 * promises an order, and not that nothing comes twice: what counts is when a step comes first.
 */
export function ordersOutOfStep(events: readonly string[]): number {
  const reached = new Map<string, number>()
  const out = new Set<string>()
  for (const event of new Set(events)) {
    const [order = '', step = ''] = event.split(' ')
    if (Number(step) < (reached.get(order) ?? 0)) out.add(order)
    reached.set(order, Number(step))
  }
  return out.size
}
