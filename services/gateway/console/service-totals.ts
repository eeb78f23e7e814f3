import { Compile } from 'typebox/compile'
import { VIEW_GROUPS } from '@timesale/contracts/topics'
import { ServiceTotals } from '@timesale/contracts/totals-api'
import type { Principal } from '@timesale/identity/principal'
import { nextTraceparent } from '@timesale/telemetry/trace'
import { UPSTREAMS, type UpstreamName } from '../routes.ts'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import { readPart } from '../upstreams/read-part.ts'
import type { Upstream } from '../upstreams/upstream.ts'

/** Every service with a database: all but views. */
export const COUNTED_SERVICES: readonly UpstreamName[] = UPSTREAMS.filter((name) => !Object.hasOwn(VIEW_GROUPS, name))

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
