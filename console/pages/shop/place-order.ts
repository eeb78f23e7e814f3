import { call } from '../../api/call.ts'
import { ApiProblem } from '../../api/problem.ts'

const TRIES_MAX = 20
const PAUSE_MS = 1_000
/** Whether it took effect is not known, or it has not and may the next time. */
const AGAIN: ReadonlySet<string> = new Set([
  ...['no-connection', 'no-answer-in-time', 'outcome-unknown', 'overloaded', 'outbox-full', 'orders-paused'],
  ...['database-unavailable', 'upstream-unavailable', 'upstream-timeout', 'upstream-failed', 'no-time-left'],
  'rate-limited',
])

/** An id that nobody has had before; it is the key of the request, so the same order may be sent as often as need be. */
export function newOrderId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9))
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Sends an order until there is an answer that stands. Throws the ApiProblem of a no, or the last one. */
export async function placeOrder(order: {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
}): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await call('buyer', '/api/orders', { method: 'POST', body: order })
      return
    } catch (error) {
      if (!(error instanceof ApiProblem) || !AGAIN.has(error.code) || tries >= TRIES_MAX) throw error
      await new Promise((resolve) => setTimeout(resolve, (error.retryAfterSeconds ?? 0) * 1000 || PAUSE_MS))
    }
  }
}
