import { Compile } from 'typebox/compile'
import { ServiceTotals } from '@timesale/contracts/totals-api'
import type { Principal } from '@timesale/identity/principal'
import { nextTraceparent } from '@timesale/telemetry/trace'
import type { UpstreamName } from '../routes.ts'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import { readPart } from '../upstreams/read-part.ts'
import type { Upstream } from '../upstreams/upstream.ts'

/** Every service with a database. */
export const COUNTED_SERVICES = [
  'account',
  'seller',
  'product',
  'order',
  'stock',
  'notification',
  'analytics',
] as const satisfies readonly UpstreamName[]

const ANSWER_MS = 1_500
const validator = Compile(ServiceTotals)
/** The gateway itself: nobody in particular looks. */
const WATCHER: Principal = { kind: 'account', accountId: 'gateway-console', roles: ['operator'] }

export function readTotals(upstream: Upstream, internalTokens: InternalTokens): Promise<ServiceTotals> {
  const now = performance.now()
  const reader = {
    ...{ principal: WATCHER, traceparent: nextTraceparent(undefined) },
    // Whoever may not wait as long as the gateway would is no witness: a count that takes long opens no breaker.
    deadline: now + ANSWER_MS,
  }
  return readPart(upstream, internalTokens, reader, { path: '/totals', validator, deadline: now + ANSWER_MS + 1 })
}
