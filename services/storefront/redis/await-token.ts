import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '@timesale/contracts/refusals'
import { readViewToken, VIEW_TOKEN_HEADER, type ViewToken } from '@timesale/contracts/view-token'
import { isOperator, type Principal } from '@timesale/identity/principal'
import type { RedisStore } from '@timesale/redis/redis-store'
import { readProgress, type Progress } from './read-view.ts'

/** What is asked of a request. */
interface Asking {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly principal: Principal
  /** When the caller stops waiting, by `performance.now()`. */
  readonly deadline: number | undefined
}

const WAIT_MS = 2_000
/** Each waiting reader is a look at Redis every 40 ms. */
const ASK_EVERY_MS = 40
const WAITING_MAX = 500
/** What an answer needs to be on its way before the caller gives up. */
const ANSWER_TAKES_MS = 100

const KINDS: Partial<Record<ViewToken['source'], 'product' | 'shop' | 'order'>> = {
  '/product/products': 'product',
  '/seller/shops': 'shop',
  '/order/orders': 'order',
}

let waiting = 0

/**
 * Waits until the view shows the fact that the request's token names, up to 2 s and no longer than the caller waits; then
 * throws `view-behind` with how far the view is behind. Somebody else's order is never shown, so its token is waited for
 * and refused just like that of an order there is not. Nothing to wait for without a token.
 */
export async function awaitToken(
  store: RedisStore,
  { headers, principal, deadline = Infinity }: Asking,
): Promise<void> {
  const text = headers[VIEW_TOKEN_HEADER]
  if (text === undefined) return
  const { kind, aggregateId, version } = tokenOf(text)
  const began = performance.now()
  const end = Math.min(began + WAIT_MS, deadline - ANSWER_TAKES_MS)
  waiting += 1
  try {
    for (;;) {
      const seen = await readProgress(store, kind, aggregateId)
      const isTold = kind !== 'order' || mayAskAfter(principal, seen.buyerId)
      const missing = version - (isTold ? seen.version : 0)
      if (missing <= 0) return
      if (performance.now() + ASK_EVERY_MS > end || waiting > WAITING_MAX) {
        throw behind(seen, missing, performance.now() - began)
      }
      await sleep(ASK_EVERY_MS)
    }
  } finally {
    waiting -= 1
  }
}

function tokenOf(text: string | string[]): Omit<ViewToken, 'source'> & { kind: 'product' | 'shop' | 'order' } {
  const token = typeof text === 'string' ? readViewToken(text) : undefined
  const kind = token === undefined ? undefined : KINDS[token.source]
  if (token !== undefined && kind !== undefined) return { ...token, kind }
  const message = 'is none that a write has answered'
  throw new Refusal('invalid-request', { errors: [{ field: VIEW_TOKEN_HEADER, message }] }, `view-token ${message}`)
}

function mayAskAfter(principal: Principal, buyerId: string): boolean {
  return isOperator(principal) || (principal.kind === 'account' && principal.accountId === buyerId)
}

// At least by the facts that are missing, for at least as long as was waited: they may not be on the topics yet, or the
// topics may be out of reach, and then nobody has looked at them since the view was level with them.
function behind({ lag, levelAt }: Progress, missing: number, waitedMs: number): Refusal {
  const ms = Math.max(waitedMs, Date.now() - levelAt)
  return new Refusal('view-behind', {
    behindRecords: Math.max(lag, missing),
    behindSeconds: Math.ceil(ms / 100) / 10,
  })
}
