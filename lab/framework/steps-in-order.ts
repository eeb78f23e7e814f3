/** Of events `order-7 3`, the third step of an order, as they came: orders of which a later step came before an earlier one. */
export function ordersOutOfStep(events: readonly string[]): number {
  const last = new Map<string, number>()
  const out = new Set<string>()
  for (const event of events) {
    const [order = '', step = ''] = event.split(' ')
    if (Number(step) < (last.get(order) ?? 0)) out.add(order)
    last.set(order, Number(step))
  }
  return out.size
}
